"""Make what Quarto renders, and look at it: every page is there, shows its code and its pictures, and no link is dead."""
import json
import re
import shutil
import sys
from pathlib import Path

from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
shutil.rmtree(ROOT / "_proc", ignore_errors=True)
refresh_quarto_yml()
made = Path(proc_nbs())
complaints = []


def pages():
    for path in sorted(NBS.rglob("*.ipynb")):
        if not any(part[0] in "._" for part in path.relative_to(NBS).parts):
            yield path.relative_to(NBS)


def text(cell):
    return "".join(cell["source"])


def named(page):
    "The page's file among those made: nbdev may have dropped the number from its name."
    for name in (page.name, re.sub(r"^\d+_", "", page.name)):
        if (made / page.parent / name).exists():
            return made / page.parent / name


sidebar = (NBS / "sidebar.yml").read_text(encoding="utf-8")
for page in pages():
    if str(page) not in sidebar:
        complaints.append(f"{page}: not in sidebar.yml")
    done = named(page)
    if done is None:
        complaints.append(f"{page}: no page was made of it")
        continue
    cells = json.loads(done.read_text(encoding="utf-8"))["cells"]
    shown = "\n".join(text(c) for c in cells)
    for cell in json.loads((NBS / page).read_text(encoding="utf-8"))["cells"]:
        source = text(cell)
        if source.startswith("#| exports"):
            for name in re.findall(r"^(?:class|def) (\w+)", source, re.M):
                if not re.search(rf"^(?:class|def) {name}\b", shown, re.M):
                    complaints.append(f"{page}: the page does not show the code of {name}")
        if cell["cell_type"] == "markdown":
            for link in re.findall(r"\]\((?!https?:|#)([^)\s#]+)", source):
                if not (NBS / page.parent / link).exists():
                    complaints.append(f"{page}: dead link {link}")
for name in re.findall(r"- ([\w/]+\.ipynb)", sidebar):
    if not (NBS / name).exists():
        complaints.append(f"sidebar.yml: there is no {name}")

shutil.rmtree(ROOT / "_proc", ignore_errors=True)
print("\n".join(complaints) or f"{len(list(pages()))} pages, every exported class and function shown, no dead link")
sys.exit(1 if complaints else 0)
