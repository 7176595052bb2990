#!/usr/bin/env bash
# Measure this package on an NVIDIA GPU, in eight minutes at most:
#   tools/gpu_check.sh [--dry-run] [--wheels DIR] [OUT]
# Nothing has to be prepared: the embedded model speaks, and noise is trained on. OUT (default: gpu-check) gets the
# logs, tables and JSON of each step; the last lines say which steps failed. Needs bash, and a Python (PYTHON=python3)
# with torch, accelerate, numpy, soundfile, safetensors, huggingface_hub, pytest and espeakng-loader.
#   --wheels DIR  install these wheels for this run: MLX's CUDA build (mlx and mlx-cuda-13 or -12) and what is missing
#   --dry-run     the same steps on the CPU, with tiny sizes: does everything start?
set -uo pipefail
cd "$(dirname "$0")/.."

dry=false wheels="" out=gpu-check slower=1
while (($#)); do
    case $1 in
    --dry-run) dry=true ;;
    --wheels) wheels=${2:?"--wheels needs a folder"} && shift ;;
    -h | --help) sed -n '2,/^set/s/^# \?//p' tools/gpu_check.sh && exit ;;
    -*) echo "gpu_check.sh: unknown option $1" >&2 && exit 2 ;;
    *) out=$1 ;;
    esac
    shift
done
python=${PYTHON:-python3}
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 KINETO_LOG_LEVEL=5
export OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 HF_HUB_OFFLINE=1 MLX_ENABLE_TF32=0
failed=()

# step SECONDS NAME COMMAND...: at most so long; its output goes to NAME.log, and its end to the terminal.
step() {
    local limit=$((slower * $1)) name=$2 began=$SECONDS code=0
    shift 2
    printf '\n== %s (%s s so far)\n' "$name" "$SECONDS"
    timeout --signal INT --kill-after 10 "$limit" "$@" >"$out/$name.log" 2>&1 || code=$?
    tail -n 14 "$out/$name.log" | cut -c 1-180
    ((code == 0)) || failed+=("$name (exit $code after $((SECONDS - began)) s)")
}

if [[ -n $wheels ]]; then
    step 120 wheels "$python" -m pip install -q --no-index --no-deps --no-compile --target "$site" "$wheels"/*.whl
    export PYTHONPATH=$PYTHONPATH:$site
fi

if $dry; then
    slower=10
    tiny=(data.batch_seconds=4 model.transformer.dim=32 model.transformer.depth=1 model.transformer.heads=2
        model.transformer.dim_head=16 model.transformer.text_dim=16 model.diffusion.z_channels=32 model.diffusion.width=32)
    seconds=(--seconds 0.5 --eager) fast=(--runs 1 --length short) precisions=(--precision float32 --precision bfloat16)
    embedded=("${tiny[@]}") large=("${tiny[@]}" data.batch_seconds=2)
    vocoder=(data.batch_size=2 loss.discriminator_width=4 model.dim=32 model.intermediate_dim=64 model.num_layers=2)
    gpu_tests=(tests/torch/training/engine) mac_tests=(tests/golden)
else
    seconds=(--seconds 8) fast=(--runs 3) precisions=(--precision float32 --precision float16 --precision bfloat16)
    embedded=(data.batch_seconds=480 data.buckets=4) large=() vocoder=(data.batch_size=128 data.augment=0)
    gpu_tests=(tests) mac_tests=(tests)
fi

$dry || step 10 device nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
step 30 doctor "$python" -m nanospeech_torch.doctor --json
step 60 tests-gpu "$python" -m pytest -q -m gpu "${gpu_tests[@]}"
step 70 train-embedded "$python" -m nanospeech_torch.training.speed examples/embedded/acoustic.toml engine.precision=bf16 \
    "${embedded[@]}" "${seconds[@]}" --json "$out/train-embedded.json"
step 80 train-82m "$python" -m nanospeech_torch.training.speed tools/nanospeech-82m.toml engine.precision=bf16 \
    "${large[@]}" "${seconds[@]}" --json "$out/train-82m.json"
step 40 train-vocoder "$python" -m nanospeech_torch.training.speed examples/embedded/vocoder.toml engine.precision=bf16 \
    loss.adversarial_start=1 "${vocoder[@]}" --seconds "${seconds[1]}" --eager --json "$out/train-vocoder.json"
step 50 speak-torch "$python" -m nanospeech_torch.benchmark "${precisions[@]}" "${fast[@]}" --json "$out/speak-torch.json"
if "$python" -c 'import mlx.core' 2>"$out/mlx-import.log"; then
    step 90 tests-mac "$python" -m pytest -q -m mac "${mac_tests[@]}"
    step 50 speak-mlx "$python" -m nanospeech_mlx.benchmark --precision float32 --precision float16 "${fast[@]}" \
        --json "$out/speak-mlx.json"
else
    failed+=("mlx cannot be imported: $(tail -n 1 "$out/mlx-import.log")")
fi

printf '\n%s s in all; logs and JSON are in %s\n' "$SECONDS" "$out"
if ((${#failed[@]})); then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
