#!/usr/bin/env bash
# Many speakers from WebDataset shards, from recordings to speech:   ./run.sh 'shards/*.tar'
# The same with a dozen sentences and a few steps, in under two minutes:   ./run.sh --smoke
# The working folder gets data/ and runs/. See README.md in this folder.
set -euo pipefail
here=$(dirname "$0")
settings=("${@:2}") # on top of config.toml, such as optimizer.steps=20000
source=${1:?"name your data, or --smoke"}

if [[ $source == --smoke ]]; then
    python "$here/../smoke_data.py" data/smoke --voices 4
    source=data/smoke/metadata.csv
    settings+=(data.held_out=2 data.batch_seconds=12 optimizer.steps=4 optimizer.minutes=0 watch.log_every=1
        watch.sample_every=0 engine.workers=0 engine.compile=false
        model.transformer.dim=64 model.transformer.depth=2 model.transformer.heads=2 model.transformer.dim_head=32
        model.diffusion.z_channels=64 model.diffusion.width=64 data.buckets=2)
fi

python -m nanospeech_torch.prepare "$source" --output data/libritts-r --split-seconds 20
accelerate launch --mixed_precision no --dynamo_backend no -m nanospeech_torch.train "$here/config.toml" "${settings[@]}"
python -m nanospeech_torch.report runs/libritts-r
python -m nanospeech_torch.export runs/libritts-r --output runs/libritts-r/model --voice reader --shards "data/libritts-r/*.tar"
python -m nanospeech_torch.generate --model runs/libritts-r/model \
    --text "This is my own voice speaking." --output runs/libritts-r/hello.wav
