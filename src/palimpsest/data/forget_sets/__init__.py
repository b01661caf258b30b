"""Kinds of forget sets: each file is one, found by name.

A kind has a function `choose(base, estimate, *, ...)` that gives sorted int64 pool indices: `base`
is the split without a forget set, `estimate` the datamodel of a kind whose NEEDS name it, and the
keywords are the settings of a definition. `check(settings, train)` raises a
SettingError for settings that do not fit a training set of so many points; `points(settings)` says
how many are chosen, as far as the definition tells. FILES are the settings that are paths.
"""
