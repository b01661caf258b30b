"""Estimators of a datamodel matrix: each file is one, found by name.

An estimator has a function `estimate(material, *, ...)` that gives the matrix, float32 (targets,
sources); the keywords are its settings. NEEDS says from what it is estimated, "originals"
(`material.Originals`) or "subsets" (`material.Subsets`), and `models(settings)` of how many.
`check(settings, train)`, if there is one, raises a SettingError for settings that do not fit a
training set of so many points.
"""
