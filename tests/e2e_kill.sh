#!/usr/bin/env bash
# The bounded form of kill_resume.sh.
exec bash "$2/tests/kill_resume.sh" "$1" 8
