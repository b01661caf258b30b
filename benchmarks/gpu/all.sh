#!/bin/sh
# Everything that is measured on a GPU, in one call of less than ten minutes; what ran before a kill stays.
#     sh benchmarks/gpu/all.sh OUT_FOLDER [cifar10.pt]
# cifar10.pt: as steps.py --pack writes it; without it images are synthetic.
set -u
out=$1
data=${2:-none}
here=$(dirname "$0")
mkdir -p "$out"
run() { # the name of a result, seconds that it may take, and the command
    name=$1 most=$2
    shift 2
    timeout "$most" "$@" > "$out/$name.log" 2>&1 || echo "$name: ended with $?, see $out/$name.log"
}
run engine 150 python "$here/engine.py" --data "$data" --out "$out/engine.json"
run engine-fastest 90 python "$here/engine.py" --data "$data" --models 3 --cudnn-benchmark --rival-steps 5 --out "$out/engine-fastest.json"
run same_results 160 python "$here/same_results.py" --out "$out/same_results.json"
run steps 170 python "$here/steps.py" --data "$data" --out "$out/steps.json" --minutes 2.5
python "$here/steps.py" --markdown "$out/steps.json"
tail -n 60 "$out/engine.json" "$out/same_results.json"
