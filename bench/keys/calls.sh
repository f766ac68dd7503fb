#!/bin/sh
# One call of curl after the other, each with a line of a file as its body; prints their statuses.
#   calls.sh URL HEADERS BODIES
while read -r body; do
  curl -q -s -o /dev/null -w '%{http_code}\n' -X POST "$1" -H @"$2" -d "$body"
done < "$3"
