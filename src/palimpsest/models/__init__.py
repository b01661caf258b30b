"""Architectures: each file is one, found by name.

A model has a function `build(data, *, ...)` that gives one untrained `nn.Module` for a data set of
these `data.facts.Facts`; its keywords are the settings. `weights(data, **settings)` counts its
weights without building it. Reading the file needs no torch.
"""
