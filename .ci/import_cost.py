"""Importing the model must cost what importing torch costs, within 10 %, and load no picture or tokenizer library."""
import statistics
import subprocess
import sys
import time

LAZY = ("matplotlib", "ipywidgets", "tiktoken", "IPython", "transformers", "huggingface_hub")


def seconds(module):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


for module in ("dataprep", "bigram", "attention", "transformer", "train_gpt2", "viz", "check", "doctor"):
    code = f"import sys, gpt2_course.{module}; print(*[m for m in {LAZY} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not loaded, f"import gpt2_course.{module} also imports {', '.join(loaded)}"

seconds("torch"), seconds("gpt2_course.transformer")
ratio = statistics.median(seconds("gpt2_course.transformer") / seconds("torch") for _ in range(7))
print(f"import gpt2_course.transformer takes {ratio:.3f} times what import torch takes (median of 7 pairs)")
assert ratio < 1.10, "importing the model is more than 10 % slower than importing torch"
