#!/bin/sh
# Puts the event on standard input into an outbox folder and sends all that waits there, oldest first.
# An event leaves the folder only when the agent has it on disk: run this after each sale and every
# minute besides. Ends with 0 when nothing waits any more, with 1 otherwise.
#
#   outbox.sh OUTBOX TOKEN_FILE [http://127.0.0.1:7710] < sale.json
set -u
outbox=$1 token_file=$2 agent=${3:-http://127.0.0.1:7710}
mkdir -p "$outbox/refused" || exit 1
cat >"$outbox/.new" && sync "$outbox/.new" || exit 1
if [ -s "$outbox/.new" ]; then
  mv "$outbox/.new" "$outbox/$(date -u +%Y%m%dT%H%M%S%N).json" && sync "$outbox" || exit 1
fi

for event in "$outbox"/*.json; do
  [ -e "$event" ] || continue
  # The token goes through a pipe, because other users of a host can read arguments.
  status=$(printf 'Authorization: Bearer %s\n' "$(cat "$token_file")" |
    curl --silent --max-time 15 --output "$outbox/.answer" --write-out '%{http_code}' --header @- \
      --header 'Content-Type: application/json' --data-binary "@$event" "$agent/v1/events")
  case $status in
    200 | 201)
      if grep -q conflictOf "$outbox/.answer"; then echo "known receipt, other content: $(cat "$outbox/.answer")" >&2; fi
      rm "$event" || exit 1 ;;
    400 | 409 | 413 | 422)
      echo "refused: $(cat "$outbox/.answer")" >&2
      mv "$outbox/.answer" "$outbox/refused/$(basename "$event").problem" && mv "$event" "$outbox/refused/" || exit 1 ;;
    *) echo "not taken yet ($status); it waits in $outbox" >&2; exit 1 ;;
  esac
done
