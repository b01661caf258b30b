"""Datamodels: how strongly each training point moves the margin of each other.

A matrix (targets, sources), both the training points: the weight of source j on target i says how
much the presence of j in the training set raises the margin of i (Ilyas et al. 2022).
"""
