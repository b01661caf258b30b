"""The tables of the study, numbered as in the paper: each file is one."""
