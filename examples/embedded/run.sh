#!/usr/bin/env bash
# The embedded voices from scratch: texts, speech, vocoder, aligner, acoustic model, checkpoint, figures:   ./run.sh downloads
# The same with 17 sentences and a few steps, in a few minutes:   ./run.sh --smoke
# In the smoke run the embedded voices replace the teacher, which needs a download.
# The working folder gets data/ and runs/. docs/embedded-voices.md lists the files of `downloads`. See README.md in this folder.
set -euo pipefail
here=$(dirname "$0")
settings=("${@:2}") # on top of acoustic.toml, such as optimizer.steps=20000
source=${1:?"name the folder of your downloads, or --smoke"}
smoke=() aligner=() vocoder=() tempo=()
measure=(--asr "faster-whisper:${ASR:-small}")

if [[ $source == --smoke ]]; then
    source=$here/smoke
    smoke=(optimizer.steps=4 optimizer.warmup=1 watch.log_every=1 watch.validate_every=0 watch.sample_every=0)
    aligner=("${smoke[@]}" data.held_out=2 data.batch_seconds=12)
    vocoder=("${smoke[@]}" data.batch_size=2 data.hold_out_every=4 data.held_out_crops=2 loss.adversarial_start=3
        model.dim=32 model.intermediate_dim=64 model.num_layers=2)
    settings+=("${smoke[@]}" data.held_out=2 data.batch_seconds=12
        model.transformer.dim=64 model.transformer.depth=2 model.transformer.heads=2 model.transformer.dim_head=32
        model.diffusion.z_channels=64 model.diffusion.width=64)
    measure=(--limit 1 --no-dnsmos --no-prosody)
fi

mkdir -p data
python "$here/texts.py" --ljspeech "$source/metadata.csv" --libritts "$source/libritts" \
    --tatoeba "$source"/{eng,cmn}_sentences.tsv* --output data/texts.jsonl
if ((${#smoke[@]})); then
    python "$here/../smoke_data.py" data/smoke --texts data/texts.jsonl
    python -m nanospeech_torch.prepare data/smoke/metadata.csv --output data/embedded
else
    teacher=(--teacher "$source/kokoro-v1.0.int8.onnx" --voices "$source/voices-v1.0.bin")
    python "$here/synthesize.py" data/texts.jsonl --output data/embedded --shards "${SHARDS:-100}" "${teacher[@]}"
    # other texts by mixtures of the teacher's voices, so that the model learns to take a voice from a reference
    sed -n '10001,13000p' data/texts.jsonl >data/others.jsonl
    python "$here/speakers.py" data/others.jsonl --voices "$source/voices-v1.0.bin" --output data/mixed.jsonl
    python "$here/synthesize.py" data/mixed.jsonl --output data/mixed "${teacher[@]}"
    settings=('data.shards=["data/embedded/*.tar", "data/mixed/*.tar"]' "${settings[@]}")
    # texts that are not trained on, to measure the voices' tempo
    tail -n 600 data/texts.jsonl >data/tempo.jsonl
    python "$here/synthesize.py" data/tempo.jsonl --output data/tempo "${teacher[@]}"
    tempo=(--tempo-shards "data/tempo/*.tar")
fi

python -m nanospeech_torch.train "$here/vocoder.toml" "${vocoder[@]}"
python -m nanospeech_torch.train "$here/aligner.toml" "${aligner[@]}"
python -m nanospeech_torch.train "$here/acoustic.toml" "${settings[@]}"
python -m nanospeech_torch.report runs/embedded

# continues the vocoder's training, on the acoustic model's mels of the same speech
python -m nanospeech_torch.export runs/embedded runs/vocoder --output runs/embedded/first
python -m nanospeech_torch.training.vocoder.predicted_mels runs/embedded/first "data/embedded/*.tar" --output data/predicted
python -m nanospeech_torch.train "$here/vocoder.toml" out=runs/vocoder-predicted init_from=runs/vocoder \
    data.predicted=data/predicted data.predicted_share=0.5 loss.adversarial_start=1 optimizer.steps=4000 "${vocoder[@]}"

python -m nanospeech_torch.export runs/embedded runs/vocoder-predicted --aligner runs/aligner \
    --output runs/embedded/model --voices "$here/voices.json" --shards "data/embedded/*.tar" "${tempo[@]}" --num_iter 2

for language in en zh; do
    python -m nanospeech_torch.evaluate runs/embedded/model --texts "$here/eval_$language.jsonl" "${measure[@]}" \
        --json "runs/embedded/eval_$language.json"
done
python -m nanospeech_torch.generate --model runs/embedded/model \
    --text "This is my own voice speaking." --output runs/embedded/hello.wav
