"""The search for jobs: what is typed as a filter, the columns of the list, exports."""
