#!/usr/bin/env bash
# The embedded voice, fine-tuned on your own recordings, from recordings to speech:   ./run.sh ~/recordings/metadata.csv
# The same with a dozen sentences and a few steps, in under two minutes:   ./run.sh --smoke
# The working folder gets data/ and runs/. See README.md in this folder.
set -euo pipefail
here=$(dirname "$0")
settings=("${@:2}") # on top of config.toml, such as optimizer.steps=20000
source=${1:?"name your data, or --smoke"}

if [[ $source == --smoke ]]; then
    python "$here/../smoke_data.py" data/smoke
    source=data/smoke/metadata.csv
    settings+=(data.held_out=2 data.batch_seconds=12 optimizer.steps=4 optimizer.minutes=0 watch.log_every=1
        watch.sample_every=0 engine.workers=0 engine.compile=false)
fi

python -m nanospeech_torch.prepare "$source" --output data/finetune
python -m nanospeech_torch.train "$here/config.toml" "${settings[@]}"
python -m nanospeech_torch.report runs/finetune
python -m nanospeech_torch.export runs/finetune --output runs/finetune/model --voice me --shards "data/finetune/*.tar"
python -m nanospeech_torch.generate --model runs/finetune/model \
    --text "This is my own voice speaking." --output runs/finetune/hello.wav
