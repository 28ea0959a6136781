"""Keep the notebooks true: execute them, read what they store, make README.md from the home page.

    python .ci/notebooks.py execute [NAME ...]   run top to bottom in a fresh kernel and store the outputs
    python .ci/notebooks.py alone FOLDER [NAME ...]   run copies of the chapters in FOLDER, store nothing
    python .ci/notebooks.py readme               write README.md and its picture from nbs/index.ipynb
    python .ci/notebooks.py check                one line for everything that is stale or does not belong
"""
import ast
import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
PICTURE = NBS / "images" / "home.png"
ABSOLUTE = re.compile("|".join([r"(?:/home|/root|/Users|/tmp|/content|/opt|/mnt)/", r"[A-Z]:\\\\Users", "site-packages/", re.escape(f"{ROOT.parent}/")]))
OUTPUT_BYTES, NOTEBOOK_BYTES = 150_000, 1_500_000


def notebooks(names=()):
    paths = sorted(p for p in NBS.rglob("*.ipynb") if not any(part[0] in "._" for part in p.relative_to(NBS).parts))
    if not names:
        return paths
    known = {str(p.relative_to(NBS).with_suffix("")): p for p in paths}
    return [known[name] for name in names]


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell):
    return "".join(cell["source"])


def fingerprint(notebook):
    "A hash of all code: stored when the outputs were made, so that changed code with old outputs is noticed."
    code = [source(c) for c in notebook["cells"] if c["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def run(path, folder):
    "Execute the notebook at `path` with `folder` as its working directory; the executed notebook, or None."
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, as_version=4)
    start = time.time()
    # the hour is for what hangs: on a busy machine training may take half of it
    client = NotebookClient(notebook, timeout=3600, kernel_name="python3",
                            resources={"metadata": {"path": str(folder)}}, coalesce_streams=True)
    try:
        client.execute()
    except CellExecutionError as error:
        print(f"{path.name}: failed\n{str(error)[-4000:]}", flush=True)
        return None
    print(f"{path.name}: ran in {time.time() - start:.0f} s", flush=True)
    return notebook


def smaller(picture):
    "The same PNG, pixel for pixel, in fewer bytes (base64 in, base64 out)."
    from PIL import Image

    packed, image = io.BytesIO(), Image.open(io.BytesIO(base64.b64decode(picture)))
    opaque = image.mode == "RGBA" and image.getextrema()[3] == (255, 255)
    (image.convert("RGB") if opaque else image).save(packed, "PNG", optimize=True)
    return min(picture, base64.b64encode(packed.getvalue()).decode(), key=len)


def execute(names):
    "Run notebooks in place and store their outputs, cleaned."
    import nbformat

    failed = []
    for path in notebooks(names):
        notebook = run(path, path.parent)
        if notebook is None:
            failed.append(path)
            continue
        notebook.metadata.pop("widgets", None)
        notebook.metadata["gpt2_course"] = {"executed": fingerprint(notebook)}
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = smaller(output.data["image/png"])
        nbformat.write(notebook, path)
        subprocess.run(["nbdev_clean", "--fname", str(path)], cwd=ROOT, check=True)
    return failed


def run_alone(path, folder):
    "Copy the notebook at `path` into an empty folder below `folder` and run it there."
    empty = Path(folder) / path.stem
    shutil.rmtree(empty, ignore_errors=True)
    empty.mkdir(parents=True)
    return run(Path(shutil.copy(path, empty)), empty) is not None


def alone(folder, names):
    "Run each chapter by itself, as Colab would; one at a time on each core, the longest first. What failed."
    paths = notebooks(names or sorted((p.stem for p in NBS.glob("0*.ipynb")), reverse=True))
    os.environ["OMP_NUM_THREADS"] = "1"  # two kernels with two threads each on two cores would mostly wait for each other
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        went_well = list(pool.map(run_alone, paths, [folder] * len(paths)))
    return [path for path, well in zip(paths, went_well) if not well]


def readme():
    "The text of README.md and the picture it shows, both from the stored cells of the home page."
    parts, picture = [], b""
    for cell in read(NBS / "index.ipynb")["cells"]:
        text = source(cell)
        if cell["cell_type"] == "markdown":
            parts.append(re.sub(r"\]\((?!https?://|#)([\w/.-]+\.ipynb)\)", r"](nbs/\1)", text))
        if cell["cell_type"] != "code" or "#| hide" in text:
            continue
        shown = "\n".join(line for line in text.split("\n") if not line.startswith("#|"))
        if "echo: false" not in text:
            parts.append(f"```python\n{shown}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                picture = base64.b64decode("".join(data["image/png"]))
                parts.append(f"![Attention maps of the small GPT-2 that this course trains]({PICTURE.relative_to(ROOT)})")
            elif "text/html" in data and "echo: false" in text:
                continue  # a picture to touch: the prose beside it links to the site
            elif plain := "".join(output.get("text", data.get("text/plain", ""))).strip():
                parts.append(f"```\n{plain}\n```")
    note = "<!-- Made from nbs/index.ipynb by .ci/notebooks.py readme: edit the notebook. -->"
    return "\n\n".join([note, *parts]) + "\n", picture


def stored_outputs(name, notebook, settings):
    "What is wrong with what one notebook stores."
    if "widgets" in notebook["metadata"]:
        yield "stores widget state"
    if notebook["metadata"].get("gpt2_course", {}).get("executed") != fingerprint(notebook):
        yield "its code changed after its outputs were made: run `python .ci/notebooks.py execute " + name + "`"
    if len(json.dumps(notebook)) > NOTEBOOK_BYTES:
        yield f"is larger than {NOTEBOOK_BYTES:,} bytes"
    for cell in notebook["cells"]:
        for url in re.findall(r"(?:https://|git\+https://)[^\s)\"'>\]]*gpt2_course[^\s)\"'>\]]*", source(cell)):
            known = (settings["git_url"], "git+" + settings["git_url"], settings["doc_host"] + settings["doc_baseurl"], settings["colab_url"])
            if not url.startswith(known):
                yield f"has a URL that is not from settings.ini: {url}"
        for output in cell.get("outputs", []):
            body = json.dumps(output)
            data = output.get("data", {})
            if output["output_type"] == "error":
                yield "stores an error"
            if output.get("name") == "stderr":
                yield f"stores a warning or noise: {''.join(output['text'])[:80]!r}"
            if "application/vnd.jupyter.widget-view+json" in data:
                yield "stores a frozen widget"
            if len(body) > OUTPUT_BYTES:
                yield f"stores an output of {len(body):,} bytes (limit {OUTPUT_BYTES:,})"
            texts = "".join(output.get("text", "")) + "".join("".join(v) for k, v in data.items() if k.startswith("text/"))
            if found := ABSOLUTE.search(texts):
                yield f"stores an absolute path: {found.group(0)}"


def stale_export():
    "Names of package files that a fresh nbdev_export would change."
    before = {p: p.read_bytes() for p in (ROOT / "gpt2_course").glob("*.py")}
    subprocess.run(["nbdev_export"], cwd=ROOT, check=True)
    after = {p: p.read_bytes() for p in (ROOT / "gpt2_course").glob("*.py")}
    changed = [p for p in before.keys() | after.keys() if before.get(p) != after.get(p)]
    for path in changed:
        path.unlink(missing_ok=True)
    for path in set(changed) & before.keys():
        path.write_bytes(before[path])
    return [p.name for p in changed]


def unclean():
    "The notebooks that nbdev_clean would change, found on copies."
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        copies = {path: Path(folder) / path.relative_to(NBS) for path in notebooks()}
        for path, copy in copies.items():
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(path, copy)
        subprocess.run(["nbdev_clean", "--fname", folder], cwd=ROOT, check=True)
        return [path for path, copy in copies.items() if copy.read_bytes() != path.read_bytes()]


CLOCKS = {"time.time", "time.perf_counter", "time.process_time", "time.monotonic"}


def words_in(node):
    "The names and clocks that a piece of code mentions."
    dotted = {ast.unparse(part) for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    return dotted & CLOCKS | {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def judged_by_clock(notebook):
    "The assertions in open cells into which a clock's reading has flowed, name by name."
    timed, found = set(CLOCKS), []

    def follow(statements):
        for statement in statements:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                (timed.add if words_in(statement) & timed else timed.discard)(statement.name)
            elif isinstance(statement, ast.Assert) and words_in(statement) & timed:
                found.append(ast.unparse(statement))
            elif isinstance(statement, ast.Assign):
                from_clock = words_in(statement.value) & timed
                change = timed.update if from_clock else timed.difference_update
                for target in statement.targets:
                    change(part.id for part in ast.walk(target) if isinstance(part, ast.Name))
            elif isinstance(statement, ast.AugAssign) and words_in(statement) & timed:
                timed.update(words_in(statement.target))
            inner = [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.stmt)]
            follow(inner)

    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "#| export" not in source(cell):
            follow(ast.parse(re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source(cell))).body)
    return found


def check():
    "Every complaint about the committed notebooks, the package and README.md."
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    complaints = [f"gpt2_course/{name}: the export is stale: run nbdev_export" for name in stale_export()]
    for path in notebooks():
        name = str(path.relative_to(NBS).with_suffix(""))
        complaints += [f"{path.relative_to(ROOT)}: {said}" for said in dict.fromkeys(stored_outputs(name, read(path), parser["DEFAULT"]))]
        if re.match(r"\d\d_", path.name):
            complaints += [f"{path.relative_to(ROOT)}: a lesson is judged by a clock: {line[:90]}"
                           for line in judged_by_clock(read(path))]
    complaints += [f"{path.relative_to(ROOT)}: not clean: run nbdev_clean" for path in unclean()]
    text, picture = readme()
    if (ROOT / "README.md").read_text(encoding="utf-8") != text or not PICTURE.exists() or PICTURE.read_bytes() != picture:
        complaints.append("README.md: stale: run `python .ci/notebooks.py readme`")
    return complaints


def main(arguments):
    os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    verb, names = arguments[0], arguments[1:]
    if verb == "execute":
        return execute(names)
    if verb == "alone":
        return alone(names[0], names[1:])
    if verb == "readme":
        text, picture = readme()
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(picture)
        (ROOT / "README.md").write_text(text, encoding="utf-8")
        return []
    complaints = check()
    print("\n".join(complaints) or "notebooks, export, outputs and README are in step")
    return complaints


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("execute", "alone", "readme", "check"):
        sys.exit(__doc__)
    sys.exit(1 if main(sys.argv[1:]) else 0)
