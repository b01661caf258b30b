# The study of "Understanding Fine-tuning in Approximate Unlearning": what it draws from, its tables,
# its verdicts, its report, its targets.

from palimpsest.studies.classes.settings import Settings as Classes

CLASSES = Classes.model_validate(config["classes"])
CLASSES_TABLES = {  # name among the inputs of programs -> file
    f"{experiment}_{table}": f"<results>/classes/{experiment}/{table}.csv"
    for experiment, part in CLASSES.experiments.items()
    for metric in part.metrics
    for table in [metric] + ([f"{metric}{MODELS}"] if metric != "klom" else [])
}
CLASSES_TABLE = CLASSES.experiments["table"]
CLASSES_SHOWN = CLASSES.figures.figure_5.forget_set
CLASSES_ONE = {  # forget set -> its one class
    name: config["forget_sets"][name]["classes"][0]
    for name in CLASSES_TABLE.forget_sets
    if len(config["forget_sets"][name].get("classes", [])) == 1
}
CLASSES_MODELS = {name: models_in([part]) for name, part in CLASSES.experiments.items()}
CLASSES_OTHERS = "".join(
    f", {name}: {models}"
    for name, models in CLASSES_MODELS.items()
    if models != CLASSES_MODELS["table"]
)
FIGURE_NOTES["classes"] = (
    f"N = {CLASSES_MODELS['table']}{CLASSES_OTHERS} models"
    + NOTE.partition(" models")[2]
)
FIGURE_SETTINGS["classes"] = {
    "figure_5": {"forget_set": CLASSES_SHOWN},
    "overlap": {"classes": CLASSES_ONE},
}
FIGURE_FILES["classes"] = CLASSES_TABLES | {
    "base": "<results>/splits/base.json",
    "split": f"<results>/splits/{CLASSES_SHOWN}.json",
    "originals": records_of("original", CLASSES_MODELS["table"]),
    "oracles": records_of(f"oracle/{CLASSES_SHOWN}", CLASSES_MODELS["table"]),
    "ft_records": f"<results>/unlearned/{CLASSES_SHOWN}/ft/0.npz",
    "ft_costs": f"<results>/unlearned/{CLASSES_SHOWN}/ft/0.json",
}


rule classes:
    input:
        list(CLASSES_TABLES.values()),
        expand(
            "<results>/classes/{figure}.{format}",
            figure=figures_in("classes"),
            format=FORMATS,
        ),
    localrule: True
