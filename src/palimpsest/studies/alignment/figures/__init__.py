"""The figures of the study: each file is one."""
