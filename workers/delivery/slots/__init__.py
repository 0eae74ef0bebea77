"""The slots of a sending process, and the jobs that wait for one."""
