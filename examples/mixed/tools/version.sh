#!/bin/sh
# version.sh FILE HEADER: the text of FILE as a macro.
set -eu
printf '#pragma once\n#define VERSION "%s"\n' "$(cat "$1")" > "$2"
