"""What tests share and that is no test: rows, receivers, clients, waiting, and the support of journeys and faults.

A test module imports from here, never from another test module.
"""
