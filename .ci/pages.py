"""Make what Quarto renders, and look at it; then put beside the rendered pages what they load.

    python .ci/pages.py                every page is there, shows its code and its pictures, and no link is dead
    python .ci/pages.py finish FOLDER  write the weights of the model that runs in the browser into the rendered site
"""
import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"


def text(cell):
    return "".join(cell["source"])


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def pictures(cells):
    return sum(bool({"image/png", "text/html"} & output.get("data", {}).keys()) for c in cells for output in c.get("outputs", []))


def complaints(page, made):
    "What is wrong with the page made of the notebook `page`."
    if not made.exists():
        yield "no page was made of it"
        return
    before, after = cells(NBS / page), cells(made)
    shown = "\n".join(map(text, after))
    if pictures(after) < pictures([c for c in before if "#| hide" not in text(c)]):
        yield "the page lost pictures"
    for cell in before:
        if text(cell).startswith("#| exports"):
            for name in re.findall(r"^(?:class|def) (\w+)", text(cell), re.M):
                if not re.search(rf"^(?:class|def) {name}\b", shown, re.M):
                    yield f"the page does not show the code of {name}"
        if cell["cell_type"] == "markdown":
            prose = re.sub(r"```.*?```|`[^`]*`", "", text(cell), flags=re.S)
            for link in re.findall(r"\]\((?!https?:|#)([^)\s#]+)", prose):
                if not (NBS / page.parent / link).exists():
                    yield f"dead link {link}"


def finish(site):
    "Write the file that the playground's pages ask for, and look that they ask for it."
    from gpt2_course.playground import write_weights
    from gpt2_course.train_gpt2 import load_model

    write_weights(*load_model("shakespeare_char", "cpu")[:2], site / "shakespeare_char.js")
    return [f"{page}: does not ask for shakespeare_char.js" for page in ("index.html", "generate.html") if "shakespeare_char.js" not in (site / page).read_text(encoding="utf-8")]


def main():
    from nbdev.quarto import refresh_quarto_yml
    from nbdev.serve import proc_nbs

    shutil.rmtree(ROOT / "_proc", ignore_errors=True)
    refresh_quarto_yml()
    made = Path(proc_nbs(n_workers=0))
    pages = [p.relative_to(NBS) for p in sorted(NBS.rglob("*.ipynb")) if not any(part[0] in "._" for part in p.relative_to(NBS).parts)]
    listed = re.findall(r"[\w/]+\.ipynb", (NBS / "sidebar.yml").read_text(encoding="utf-8"))
    wrong = [f"{page}: not in sidebar.yml" for page in map(str, pages) if page not in listed]
    wrong += [f"sidebar.yml: there is no {name}" for name in listed if not (NBS / name).exists()]
    wrong += [f"{page}: {said}" for page in pages for said in complaints(page, made / page)]
    shutil.rmtree(ROOT / "_proc")
    if not wrong:
        print(f"{len(pages)} pages with their pictures, every exported class and function shown, no dead link")
    return wrong


if __name__ == "__main__":
    wrong = finish(Path(sys.argv[2])) if sys.argv[1:2] == ["finish"] else main()
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)
