"""Kinds of forget sets: each file is one, found by name.

A kind has a function `choose(base, estimate, labels, *, ...)` that gives sorted int64 pool indices:
`base` is the split without a forget set, `estimate` the datamodel and `labels` the classes that the
pool can be forgotten by (its groups where it has any, else its labels), for a kind whose NEEDS name
them; the keywords are the settings of a definition.
`check(settings, train, classes)` raises a SettingError for settings that do not fit a training set
of so many points and classes; `points(settings)` says how many are chosen, as far as the definition
tells. A kind whose sets are of whole classes has `alike(base, labels, *, ...)` too, which gives
the validation points of these classes. FILES are the settings that are paths; GIVES is what its
forget sets have that a preparation may need ("whole_class").
"""
