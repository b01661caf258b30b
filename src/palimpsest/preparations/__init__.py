"""Preparations: what is done to a network before a method's first step. Each file is one.

A preparation has a function `prepare(stack, data, seeds, *, ...)` that gives a
`training.preparing.Prepared`: which parameters move, where, and how the network is finished at the
end; its keywords are the settings. A grid names one under `prepare`, for whatever method. `NEEDS`
says what forget set it asks for: "whole_class", one that holds all points of a class. It may have
`check_network(network, *, ...)`, SettingError for settings that do not fit the run's network.
Reading the file needs no torch.
"""
