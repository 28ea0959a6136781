"""Run the benchmarks from the command line: the cells of nbs/evidence/benchmarks.ipynb, one JSON line for each measurement.

    python .ci/benchmarks.py [NANOGPT]

NANOGPT is the folder of a checkout of karpathy/nanoGPT to compare with; without it those comparisons are skipped.
"""
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parent.parent / "nbs" / "evidence" / "benchmarks.ipynb"


def report(cell, cell_index, execute_reply):
    "Print what a cell has measured as soon as it is done."
    for output in cell.get("outputs", []):
        for line in output.get("text", "").splitlines():
            if line.startswith("{"):
                print(line, flush=True)


def main(arguments):
    if len(arguments) > 1 or arguments and not (Path(arguments[0]) / "train.py").is_file():
        sys.exit(__doc__)
    if arguments:
        os.environ["NANOGPT"] = str(Path(arguments[0]).resolve())
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=3600, kernel_name="python3", resources=resources, on_cell_executed=report).execute()


if __name__ == "__main__":
    main(sys.argv[1:])
