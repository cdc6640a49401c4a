#!/usr/bin/env python3
"""Hands a POS's events to storekeep-agent and keeps each until the agent has it on disk.

    python3 outbox.py OUTBOX TOKEN_FILE [http://127.0.0.1:7710] < sale.json

Puts the event on standard input into the outbox folder and sends all that waits there, oldest
first. Ends with 0 when nothing waits any more, with 1 otherwise. Python 3.8 or later, nothing else.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

# What will not be taken however often it is sent: somebody has to correct it.
REFUSALS = (400, 409, 413, 422)
ANSWER_SECONDS_MAX = 15


class NotTakenYet(Exception):
    """The agent does not run, or cannot write at present. The same is sent again later."""


class Outbox:
    def __init__(self, folder, token_file, agent="http://127.0.0.1:7710"):
        self.folder = Path(folder)
        self.refused = self.folder / "refused"
        self.refused.mkdir(parents=True, exist_ok=True)
        self.token_file = Path(token_file)
        self.url = agent + "/v1/events"

    def put(self, event):
        """Writes an event (bytes of JSON) so that it survives a power cut. Call it before the
        receipt is printed."""
        name = f"{time.time_ns():020}"
        draft = self.folder / (name + ".tmp")
        with open(draft, "wb") as file:
            file.write(event)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.folder / (name + ".json"))
        if os.name == "posix":
            # A new name is safe when its folder is; Windows keeps both together.
            folder = os.open(self.folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def send(self):
        """Sends what waits, oldest first. Sending twice is harmless: the agent knows a receipt
        again and answers as before."""
        for file in sorted(self.folder.glob("*.json")):
            status, answer = self._post(file.read_bytes())
            if status in (200, 201):
                if "conflictOf" in answer:
                    print(f"known receipt, other content: {answer}", file=sys.stderr)
                file.unlink()
            elif status in REFUSALS:
                print(f"refused: {answer.get('detail')}; {answer.get('next')}", file=sys.stderr)
                (self.refused / (file.name + ".problem")).write_text(json.dumps(answer, indent=2))
                file.rename(self.refused / file.name)
            else:
                raise NotTakenYet(f"{status} {answer.get('detail', '')}")

    def _post(self, event):
        headers = {
            "Authorization": "Bearer " + self.token_file.read_text().strip(),
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(self.url, event, headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, _problem(error.read())
        except OSError as error:
            raise NotTakenYet(f"no answer from {self.url}: {error}") from error


def _problem(body):
    try:
        return json.loads(body)
    except ValueError:
        return {"detail": body.decode(errors="replace")}


def main():
    outbox = Outbox(*sys.argv[1:])
    event = sys.stdin.buffer.read()
    if event:
        outbox.put(event)
    try:
        outbox.send()
    except NotTakenYet as error:
        sys.exit(f"not taken yet, it waits in {outbox.folder}: {error}")


if __name__ == "__main__":
    main()
