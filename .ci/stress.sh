#!/usr/bin/env bash
# The suite on machines that this one can pretend to be: other instructions, other threads, company.
#   .ci/stress.sh MODE [NOTEBOOK ...]      run one after the other, print a table, 1 if any failed
# MODE: words joined by "+", of
#   default, avx2     torch's kernels without vector instructions, or with AVX2 (ATEN_CPU_CAPABILITY)
#   onednn            oneDNN kept to AVX2 (ONEDNN_MAX_CPU_ISA)
#   one, two          threads
#   company           two processes beside it that never rest
#   slow              the cells marked slow, too
#   plain             none of these
# NOTEBOOK: paths such as nbs/evidence/parity.ipynb; none: all of them. Example: .ci/stress.sh avx2+onednn+two nbs/evidence/*.ipynb
set -u
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { sed -n '2,12p' "$0"; exit 2; }
mode=$1; shift
python=python
[ -x .venv/bin/python ] && { python=.venv/bin/python; PATH="$PWD/.venv/bin:$PATH"; }
export HF_HUB_OFFLINE=1 PYTHONDONTWRITEBYTECODE=1
flags=() neighbours=()
leave() { [ ${#neighbours[@]} = 0 ] || kill "${neighbours[@]}" 2>/dev/null; rm -f "$log"; }
log=$(mktemp)
trap leave EXIT
trap 'exit 130' INT TERM

for word in ${mode//+/ }; do
  case $word in
    default|avx2) export ATEN_CPU_CAPABILITY=$word ;;
    onednn) export ONEDNN_MAX_CPU_ISA=AVX2 ;;
    one) export OMP_NUM_THREADS=1 ;;
    two) export OMP_NUM_THREADS=2 ;;
    company) for _ in 1 2; do "$python" -c 'while True: pass' & neighbours+=($!); done ;;
    slow) flags=(--flags slow) ;;
    plain) ;;
    *) echo "$word is no mode: see the first lines of $0" >&2; exit 2 ;;
  esac
done

[ $# -gt 0 ] || set -- $(git ls-files 'nbs/*.ipynb')
failed=0
printf '%-38s %-24s %8s  %s\n' notebook mode seconds result
for notebook in "$@"; do
  begin=$SECONDS result=passed
  if ! nbdev_test --n_workers 1 "${flags[@]}" --path "$notebook" >"$log" 2>&1; then
    result="FAILED: $(grep -E '^[A-Za-z.]*(Error|Exit|Exception)\b' "$log" | tail -n 1 | cut -c1-120)"
    failed=$((failed + 1))
    [ -z "${STRESS_LOGS:-}" ] || cp "$log" "$STRESS_LOGS/$mode-$(basename "$notebook" .ipynb).log"
  fi
  printf '%-38s %-24s %8s  %s\n' "$notebook" "$mode" $((SECONDS - begin)) "$result"
done
echo "$# notebooks, $failed failed"
[ "$failed" = 0 ]
