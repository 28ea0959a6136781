"""Run the benchmarks from the command line: the cells of benchmarks.ipynb, generate.ipynb and gpu.ipynb in nbs/evidence, one JSON line for each measurement.

    python .ci/benchmarks.py [NANOGPT]

NANOGPT is the folder of a checkout of karpathy/nanoGPT to compare with; without it those comparisons are skipped.
The race to nanoGPT's loss is run twice in each round where the processor multiplies bfloat16: as it is, and with torch
and its libraries kept to AVX2, as on most laptops.
"""
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

EVIDENCE = Path(__file__).resolve().parent.parent / "nbs" / "evidence"


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
    os.environ["EVIDENCE"] = "full"  # generate.ipynb measures only then
    for name in ("benchmarks", "generate", "gpu"):
        notebook = nbformat.read(EVIDENCE / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
        resources = {"metadata": {"path": str(EVIDENCE)}}
        NotebookClient(notebook, timeout=3600, kernel_name="python3", resources=resources, on_cell_executed=report).execute()


if __name__ == "__main__":
    main(sys.argv[1:])
