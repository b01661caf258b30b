"""Run a study's notebook on the results of a run, and write it with its outputs and as a page."""

from pathlib import Path

import nbformat
import papermill
from nbconvert import HTMLExporter

from palimpsest import sources
from palimpsest.files import InputError, atomic_path, one_line, regular_file
from palimpsest.programs import Parser, json_map, run_program

# On a narrow screen tables and code scroll by themselves, the page does not; pictures shrink.
TEMPLATE = """{% extends "lab/index.html.j2" %}
{% block html_head_css %}{{ super() }}
<style>
.jp-Cell, .jp-OutputArea-child, .jp-OutputArea-output { min-width: 0; max-width: 100%; }
.jp-OutputArea-output, .jp-RenderedHTMLCommon { overflow-x: auto; }
.jp-RenderedHTMLCommon img { max-width: 100%; height: auto; }
@media (max-width: 600px) {
  body.jp-Notebook { padding: 4px; }
  .jp-InputPrompt, .jp-OutputPrompt { display: none; }
}
</style>
{% endblock %}
"""


def executed(notebook: Path, parameters: dict[str, object], log: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs; as far as it got it stays in `log` where it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = papermill.execute_notebook(
            str(notebook), str(log), parameters, kernel_name="python3", progress_bar=False
        )
    except papermill.PapermillExecutionError as error:
        if error.ename == "InputError":
            raise InputError(error.evalue) from None
        raise
    log.unlink()
    return done


def check_notebook(path: Path) -> None:
    """InputError for a file that is no notebook."""
    regular_file(path, "notebook")
    try:
        nbformat.validate(nbformat.read(path, as_version=4))
    except Exception as error:  # a damaged file can fail in any way
        raise InputError(f"{path}: not a notebook ({one_line(error)})") from None


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--notebook", type=Path, required=True, help="the study's, .ipynb")
    parser.add_argument("--parameters", type=json_map, default={}, help="of the notebook, JSON")
    parser.add_argument(
        "--sources", type=Path, nargs="*", default=[], help="library files that it imports"
    )
    parser.add_argument("--log-notebook", type=Path, required=True, help="kept where it fails")
    parser.add_argument("--out-notebook", type=Path, required=True, help="with outputs, .ipynb")
    parser.add_argument("--out-html", type=Path, required=True, help="as a page, .html")
    args = parser.parse_args()
    check_notebook(args.notebook)
    known = papermill.inspect_notebook(str(args.notebook))
    for name in args.parameters:
        if name not in known:
            raise InputError(f"{args.notebook} has no parameter {name}; it has {', '.join(known)}")
    sources.watch([args.notebook, *args.sources])
    notebook = executed(args.notebook, args.parameters, args.log_notebook)
    notebook.metadata.pop("papermill", None)  # paths and times of this machine
    exporter = HTMLExporter(raw_template=TEMPLATE, exclude_input=True)
    page, _ = exporter.from_notebook_node(
        notebook, {"metadata": {"name": args.out_html.parent.name}}
    )
    with atomic_path(args.out_html) as html, atomic_path(args.out_notebook) as ipynb:
        html.write_text(page, encoding="utf-8")
        nbformat.write(notebook, ipynb)


if __name__ == "__main__":
    run_program(main)
