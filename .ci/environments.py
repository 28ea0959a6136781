"""The course in other environments than its own, with one line for everything that is tried.

    python .ci/environments.py NAME [--python PYTHON] [--venv FOLDER] [--only TEXT]

NAME is `newest`, `colab` (the versions of Colab's published list) or `oldest` (the lowest of
every requirement). PYTHON makes the environment in a folder that goes away, or in FOLDER, which
stays and may hold a torch already: PyPI's for Linux brings CUDA, 4.9 GB. The result is a row of
environments.md; with TEXT, a regular expression, only what it is found in is tried, and the
row says so.
"""
import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from configparser import ConfigParser
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CHAPTERS = sorted((ROOT / "nbs").glob("0*.ipynb"))
COLAB = """torch==2.11.0 ipython==7.34.0 ipykernel==6.17.1 ipywidgets==7.7.1 fastcore==2.2.20
transformers==5.15.0 numpy==2.1.3 matplotlib==3.10.0"""
COMMANDS = """gpt2_generate --prompt ROMEO: --max-new-tokens 50
gpt2_eval --model shakespeare_char --stride 64
gpt2_prepare --tokenizer bpe --vocab-size 400 --out tokens
gpt2_train --data tokens --steps 5 --eval-every 5 --out on-tokens
gpt2_train --steps 20 --eval-every 10 --out run
gpt2_generate --model run --prompt The --max-new-tokens 20"""
PANELS = """from gpt2_course.train_gpt2 import load_model
model, tokenizer, _ = load_model("shakespeare_char", "cpu")
from gpt2_course.attention import attention_panel; attention_panel(model, tokenizer)
from gpt2_course.generate import generation_panel; generation_panel(model, tokenizer)"""


def requirements(name):
    "What pip is asked for before the package itself comes."
    settings = ConfigParser(delimiters=["="])
    settings.read(ROOT / "settings.ini", encoding="utf-8")
    ours = settings["DEFAULT"]["requirements"]
    lists = {"newest": f"--upgrade transformers {ours}", "oldest": ours.replace(">=", "==")}
    return ["nbclient", "ipykernel", *lists.get(name, COLAB).split()]


def set_up_cell():
    "The cell that installs the package where it is missing; here it must not come to that."
    cells = json.loads(CHAPTERS[0].read_text(encoding="utf-8"))["cells"]
    code = next("".join(cell["source"]) for cell in cells if "%pip" in str(cell["source"]))
    return re.sub("%pip.*", "raise SystemExit('it called for pip')", code)


def offline(folder):
    "What keeps a command from the network and the corpora: words before it, and variables."
    away = dict.fromkeys(("GPT2_COURSE_HOME", "TIKTOKEN_CACHE_DIR"), f"{folder}/empty")
    away |= {"GPT2_COURSE_DATA": "", "HF_HUB_OFFLINE": "1"}
    inside = ["unshare", "-rn", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
    if sys.platform == "linux" and not subprocess.run([*inside, "true"]).returncode:
        return inside, away
    return [], away | dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")


class Trial:
    "An environment, and what went well in it."
    def __init__(self, name, venv, work, only):
        self.name, self.work, self.only, self.results = name, Path(work), only, {}
        self.bin = Path(venv) / ("Scripts" if os.name == "nt" else "bin")
        path = os.pathsep.join([str(self.bin), os.environ["PATH"]])
        self.env = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}

    def run(self, what, line, env=None, forbidden="Traceback"):
        "Run a command, say whether it did what it should, and the end of its output where not."
        if self.only and not re.search(self.only, what) and "set up" not in what:
            return
        start = time.monotonic()
        done = subprocess.run([str(part) for part in line], cwd=self.work, text=True,
                              env=self.env | (env or {}), encoding="utf-8", errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.results[what] = well = not done.returncode and forbidden not in done.stdout
        verdict = f"{'ok' if well else 'FAILED'} ({time.monotonic() - start:.0f} s)"
        print(f"{self.name}: {what}: {verdict}", flush=True)
        if not well:
            print(re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)[-2500:], flush=True)

    def write_row(self, seconds):
        "The row of this environment in the table of results, in place of its last one."
        code = "import platform, torch; print(platform.python_version(), torch.__version__)"
        said = subprocess.run([self.bin / "python", "-c", code], capture_output=True, text=True)
        failed = [what for what, well in self.results.items() if not well]
        label = self.name + (f", only {self.only.replace('|', ', ')}" if self.only else "")
        facts = [label, datetime.date.today(), sys.platform, *said.stdout.split(),
                 sum(self.results.values()), "; ".join(failed) or "nothing", f"{seconds:.0f}"]
        table = HERE / "environments.md"
        known = table.read_text(encoding="utf-8").splitlines()
        rows = [row for row in known if f"| {label} |" not in row]
        rows += [f"| {' | '.join(map(str, facts))} |", ""]
        table.write_text("\n".join(rows), encoding="utf-8")


def panels():
    "Display the panels as a notebook does, in the environment whose Python runs this."
    import nbformat
    from nbclient import NotebookClient

    cells = map(nbformat.v4.new_code_cell, PANELS.splitlines())
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    for cell in notebook.cells[2:]:
        if "application/vnd.jupyter.widget-view+json" not in str(cell.outputs):
            sys.exit(f"{cell.source} shows no widget: {cell.outputs}")


def main(name, python, venv, only):
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        venv = Path(venv or f"{work}/venv").resolve()
        if not venv.is_dir():
            subprocess.run([python, "-m", "venv", venv], check=True)
        trial = Trial(name, venv, work, only)
        (inside, away), there = offline(work), trial.bin / "python"
        pip = [there, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "uninstall", "-q", "-y", "gpt2_course"], check=True)
        trial.run("set up: the environment", [*pip, "install", "-q", *requirements(name)])
        source = f"{work}/source"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "runs", "*.egg-info"))
        trial.run("set up: package", [*pip, "install", source], forbidden="Uninstalling")
        if not all(trial.results.values()): # nothing else would say anything about the course
            return False
        trial.run("set up: the first cell", [there, "-c", set_up_cell()])
        trial.run("panels", [*inside, there, Path(__file__).resolve(), "panels"], away)
        for line in COMMANDS.splitlines():
            command, *arguments = line.split()
            trial.run(line, [*inside, trial.bin / command, *arguments], away)
        for chapter in CHAPTERS:
            alone = [there, HERE / "notebooks.py", "alone", f"{work}/alone", chapter.stem]
            trial.run(f"{chapter.stem}, offline", [*inside, *alone], away)
            trial.run(f"{chapter.stem}, with Tiny Shakespeare", alone)
        trial.write_row(time.monotonic() - start)
    return all(trial.results.values())


if __name__ == "__main__":
    if sys.argv[1:] == ["panels"]:
        sys.exit(panels())
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=["newest", "colab", "oldest"])
    parser.add_argument("--python", default=sys.executable, help="makes the environment")
    parser.add_argument("--venv", help="an environment to use, or where to make one that stays")
    parser.add_argument("--only", help="try only what this expression is found in")
    sys.exit(not main(**vars(parser.parse_args())))
