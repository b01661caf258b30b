"""Where data sets come from: each file is one, found by name.

A source has three functions of the folder of its files and what their checksums are held to:
`load` gives the data set, `check` says what is missing without loading it, `facts` gives its shape
and size (None where the files do not tell). Keywords of `load` after `*` are settings of its own;
`check` and `facts` are given those of them that they name. Only `load` may import torch or touch
the network. `SLOW = True` says that `load` takes long: a configuration is then checked without it,
and whether a class has points to forget shows when they are chosen.
"""
