"""Importing the model must cost what importing torch costs, within 10 %, and load no picture or tokenizer library;
the first training step must not be far behind. All are ratios: how fast or how busy the machine is decides nothing."""
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

LAZY = ("matplotlib", "ipywidgets", "tiktoken", "IPython", "transformers", "huggingface_hub")


# as on any machine, the second import finds what the first has compiled
usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(module):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=usual)
    return time.perf_counter() - start


modules = sorted(path.stem for path in Path("gpt2_course").glob("[a-z]*.py"))
code = f"""
import importlib, sys
before = set()
for module in {modules}:
    importlib.import_module("gpt2_course." + module)
    now = {{name for name in {LAZY} if name in sys.modules}}
    if now - before: print(f"import gpt2_course.{{module}} also imports {{', '.join(now - before)}}")
    before |= now
"""
said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
assert not said, said

seconds("torch"), seconds("gpt2_course.transformer")
ratio = statistics.median(seconds("gpt2_course.transformer") / seconds("torch") for _ in range(5))
print(f"import gpt2_course.transformer takes {ratio:.3f} times what import torch takes (median of 5 pairs)")
assert ratio < 1.10, "importing the model is more than 10 % slower than importing torch"

FIRST_STEP = """
import time
before = time.perf_counter()
import torch
start = time.perf_counter()
import sys, tempfile
from gpt2_course import train_gpt2
real = train_gpt2.Trainer.update
def first(trainer, stop=None):
    real(trainer, stop)
    print((time.perf_counter() - start) / (start - before), file=sys.stderr)
    raise KeyboardInterrupt
train_gpt2.Trainer.update = first
sys.argv = ["gpt2_train", "--out", tempfile.mkdtemp()]
train_gpt2.gpt2_train_main()
"""


def first_step():
    said = subprocess.run([sys.executable, "-c", FIRST_STEP], capture_output=True, text=True).stderr
    return float(next(line for line in said.splitlines() if line[:1].isdigit()))


ratios = sorted(first_step() for _ in range(5))
print(f"from import torch to the end of gpt2_train's first step: {ratios[0]:.2f} to {ratios[-1]:.2f} times as long as import torch (5 runs)")
assert ratios[0] < 3, "the first training step comes late"
