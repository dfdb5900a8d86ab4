#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: corpus.py, from the source root.

Small files of each kind that a reader knows, whole and slightly wrong.  Files that begin with
"found-" came from a fuzzer and are left alone.
"""
import json
import pathlib
import struct

here = pathlib.Path(__file__).parent
fixtures = here.parent / "fixtures" / "results"


def put(target, name, data):
    folder = here / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def safetensors(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def row(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


two = {"__metadata__": {"format": "pt"}, "a": row("F32", [2, 3], 0, 24), "b": row("BF16", [4], 24, 32)}
put("safetensors", "two", safetensors(two, bytes(range(32))))
put("safetensors", "empty", safetensors({}, b""))
put("safetensors", "scalar", safetensors({"s": row("F64", [], 0, 8)}, bytes(8)))
put("safetensors", "none", safetensors({"z": row("I8", [0, 7], 0, 0)}, b""))
put("safetensors", "kinds", safetensors(
    {"a": row("F16", [1], 0, 2), "b": row("F8_E4M3", [1], 2, 3), "c": row("F8_E5M2", [1], 3, 4),
     "d": row("I64", [1], 4, 12), "e": row("I32", [1], 12, 16), "f": row("I16", [1], 16, 18),
     "g": row("U8", [1], 18, 19), "h": row("BOOL", [1], 19, 20)}, bytes(20)))
put("safetensors", "overflow", safetensors({"a": row("F32", [1 << 32, 1 << 32], 0, 4)}, bytes(4)))
put("safetensors", "overlap", safetensors({"a": row("F32", [2], 0, 8), "b": row("F32", [1], 4, 8)}, bytes(8)))
put("safetensors", "length", struct.pack("<Q", (1 << 64) - 1) + b"{}")
put("safetensors", "short", b"\x02\0\0\0")


def npy(descr, order, shape, data, version=1):
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    size = 10 if version == 1 else 12
    text += b" " * (63 - (size + len(text)) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


put("npy", "matrix", npy("<f4", False, "(2, 3)", bytes(24)))
put("npy", "vector", npy("<i8", True, "(3,)", bytes(24)))
put("npy", "scalar", npy("|u1", False, "()", bytes(1)))
put("npy", "two", npy("<f2", False, "(0, 5)", b"", 2))
put("npy", "three", npy("|b1", False, "(2, 1)", bytes(2), 3))
put("npy", "big", npy(">f8", False, "(1,)", bytes(8)))
put("npy", "overflow", npy("<f8", False, "(4294967296, 4294967296)", bytes(8)))
put("npy", "short", b"\x93NUMPY\x01\x00")

put("csv", "plain", "N,D,loss\n1e9,2E+10,2.5\n70000000,1.4e9,3.25\n")
put("csv", "quoted", '\ufeff# runs\r\n"N, parameters","D ""tokens""",loss\r\n"1,000,000",2_000_000,NA\r\n\r\n 5 ,"6" ,\r\n')
put("csv", "semicolons", "N;D;loss\n1 000;2;\"a\nb\"\n3;4;2,5\n")
put("csv", "tabs", "N\tD\tloss\r1\t2\t3\r\t\t\r")
put("csv", "no_end", 'a,b\n1,"2\n3,4\n')
put("csv", "ragged", "a,b\n1\n")
put("csv", "long", "a,b\n1,2,3\n")
put("csv", "twice", "a,b,a\n1,2,3\n")
put("csv", "no_header", "1,2\n3,4\n")
put("csv", "nul", b"a,b\n1,\0\n")

put("shard_index", "two", json.dumps({"metadata": {"total_size": 8}, "weight_map": {
    "a": "m-1.safetensors", "b": "m-2.safetensors", "c": "sub/m-1.safetensors"}}))
put("shard_index", "outside", json.dumps({"weight_map": {"a": "../m.safetensors"}}))
put("shard_index", "empty", json.dumps({"weight_map": {}}))
put("shard_index", "twice", '{"weight_map":{"a":"x","a":"y"}}')

for name, text in {
    "all": '{"n":-0.5e+1,"s":"\\ud83d\\ude00\\u20ac\\/\\"\\n","":[],"o":{},"t":true,"f":false,"z":null,"l":[1,[2]]}',
    "big": '["18446744073709551615",9007199254740993,1e308,-1e-320]', "beyond": "1e999", "twice": '{"a":1,"a":2}',
    "escaped": '{"a":1,"\\u0061":2}', "lone": '"\\ud800"', "nul": '"\\u0000"', "bom": "\ufeff{}", "zero": "-0",
    "deep": "[" * 64 + "]" * 64, "deeper": "[" * 65 + "]" * 65}.items():
    put("json", name, text)
put("json", "latin1", b'"\xe4"')
put("json", "embedded", b'{"a":\0 1}')

put("options", "all", "--flag\nword\n--text=x\n--size\n12\n--seed\n18446744073709551615\n--seconds\n1.5\n--choice\npapi")
put("options", "end", "a\n--\n--flag\n-x")
put("options", "help", "--help")
put("options", "wrong", "--seconds=1e999")
put("options", "short", "-x\n-\n--size")

put("plan", "all", "1,2,max")
put("plan", "one", "1\nfaulty/faults/ok/any")
put("plan", "globs", "2,1\nfault*\n*/f?ults/[a-o]*\nfaulty")
put("plan", "wrong", "0,x\nfaulti\na/b/c/d/e\n//")

cell = {"variant": "ok", "process": 7, "status": "ok", "isa": "avx2", "mode": "warm", "footprint_bytes": 1e6,
        "data": {"name": "seeded", "hash": "h", "seed": 3},
        "work": {"flops": 2, "bytes_read": 400, "bytes_written": 40, "items": 5, "unit": "token", "roof": "read",
                 "roof_ops": 0},
        "sample": {"elapsed_ns": 1e9, "iterations": 10, "items": 50}, "correctness": [], "fidelity": []}
lines = [{"run": {"id": "r", "isa": "avx2", "seed": 3},
          "machine": {"fingerprint": "f",
                      "facts": {"caches": [{"level": "L2", "bytes": 8000, "count": 2, "cores_sharing": 1}]},
                      "roofs": [{"name": "read", "level": "DRAM", "isa": "avx2", "threads": 2, "value": 2000}]},
          "environment": {"before": {"load_1m": 1}},
          "options": {"preset": "smoke", "rounds": 6, "min_time_s": 0.05}}]
for r in range(3):
    lines.append({"round": r, "block": "faulty/faults/*/any", "threads": 2, "control_bytes_per_second": 100,
                  "steal_share": 0.001, "foreign_load_cpus": 0, "degraded": r == 1, "elapsed_s": 2,
                  "cells": [cell, {"variant": "hang", "process": 8, "status": "timeout", "reason": "because"}]})
whole = "".join(json.dumps(line) + "\n" for line in lines)
put("journal", "whole", whole)
put("journal", "torn", whole[:-9])
put("journal", "header", whole[:whole.index("\n") + 1])
put("journal", "empty", "")
put("journal", "zeros", whole.encode() + bytes(64))
put("journal", "damaged", whole.replace('"round": 0', '"rou'))
block = {"block": "faulty/faults/*/any", "threads": 2, "variants": ["ok", "hang"]}
whole = json.dumps({"schema": "assay.journal/1", "plan": [block], **lines[0]}) + whole[whole.index("\n"):]
put("merge", "same", whole)
put("merge", "parts", "".join(whole.splitlines(True)[:2]) + "===\n" + whole.splitlines(True)[0] + whole.splitlines(True)[3])
put("merge", "conflict", whole + "===\n" + whole.replace('"elapsed_s": 2', '"elapsed_s": 3'))
put("merge", "other", whole + "===\n" + whole.replace('"seed": 3', '"seed": 4'))
put("merge", "torn", whole[:-9])

for group in sorted((here.parent.parent / "bench" / "groups").glob("*.group")):
    put("counter_group", group.stem, group.read_text())
put("counter_group", "wrong_unit", "group g\nevent cycles\nmetric m = cycles / iterations [byte]\n")
put("counter_group", "no_name", "event cycles\n")
put("counter_group", "no_way", "group g\nevent e line check=stream:1:2\n")

put("event_list", "words", "\ntask-clock,page-faults,PAPI_TOT_INS,perf::TASK-CLOCK,nonsense")
put("event_list", "unit", "cpu,fp\ncpu/event=0xc0,umask=1/,r01c2")
put("event_list", "groups", "cpu,cache,dram,branch,tlb,fp,energy,software")
put("event_list", "empty", "\n,,")
put("event_list", "many", "\n" + ",".join(f"e{i}" for i in range(17)))

put("perf_event", "named", "cpu/named/\n4\n\nconfig:0-7,32-35\nevent=0x3c")
put("perf_event", "value", "cpu/event=0xabc/\n4\n\nconfig:0-7,32-35\n")
put("perf_event", "places", "cpu/event/\n4294967295\n0,32-34\nconfig2:0-63\n")
put("perf_event", "wide", "cpu/event=1/\n4\n\nconfig1:0-99\n")
put("perf_event", "raw", "r01c2")
put("perf_event", "generic", "LLC-load-misses")

events = "events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw ILdmr DLdmr DLdmw\n"
put("callgrind", "whole", "version: 1\n" + events + "fn=(1) f\n7 1 2 3\ntotals: 100 20 10 1 2 3 4 50 6 0 7 8\n")
put("callgrind", "few", events + "totals: 100 20\n")
put("callgrind", "torn", events + "totals: 100 20")
put("callgrind", "first", "totals: 1 2 3\n" + events)
put("callgrind", "beyond", events + "totals: 1e999 nan -1\n")


def compared(**changes):
    return {"path": "t/k/v/c", "threads": 1, "ranks": 1, "status": "ok", "mode": "warm", "footprint_bytes": 5,
            "work": {"flops": 1, "bytes_read": 2, "bytes_written": 3, "items": 1},
            "fidelity": [{"subject": "", "metric": "sqnr_db", "value": 40}],
            "samples": [{"elapsed_ns": 1e6 + 99 * r, "iterations": 7} for r in range(4)], **changes}


def bench(*cells, **members):
    return json.dumps({"schema": "assay.result/1", "kind": "bench", "cells": cells, **members})


put("compare", "itself", bench(compared(), compared(threads=2), compared(path="x", status="failed")))
put("compare", "slower", bench(compared()) + "\n===\n" + bench(
    compared(samples=[{"elapsed_ns": 2e6 + 99 * r, "iterations": 7} for r in range(12)])))
put("compare", "changed", bench(compared()) + "\n===\n" + bench(
    compared(footprint_bytes=6, fidelity=[]), machine={"fingerprint": "f"}, run={"host": "h"}))
put("compare", "twice", bench(compared(), compared()))
put("compare", "nameless", bench({}))
put("compare", "samples", bench(compared(samples=[{"elapsed_ns": 0, "iterations": 0}, {}, 7, None])))
put("compare", "none", "{}\n===\n[]")


def trimmed(name, shorten):
    document = json.loads((fixtures / name).read_text())
    shorten(document)
    put("results", name, json.dumps(document))


def shorten_bench(d):
    d["cells"] = d["cells"][:3] + d["cells"][-2:]
    d["machine"]["roofs"] = d["machine"]["roofs"][-6:]


def shorten_analysis(d):
    d["records"] = d["records"][:4]
    for key, value in d["summary"].items():
        if isinstance(value, list):
            d["summary"][key] = value[:2]


trimmed("bench.json", shorten_bench)
trimmed("analysis-quant-error.json", shorten_analysis)
trimmed("check.json", lambda d: d.update(checks=d["checks"][:4]))
put("results", "least", '{"schema":"assay.result/1","kind":"bench"}')
put("results", "newer", '{"schema":"assay.result/2","kind":"bench"}')
put("results", "shapes", '{"schema":"assay.result/1","kind":"bench","cells":{"a":1},"run":[],"machine":7}')

svg = ('<?xml version="1.0"?>\n<svg width="9" viewBox="0 0 9 9" xmlns="http://www.w3.org/2000/svg"><title>t</title>'
       '<defs><circle id="c" r="1"/></defs><g stroke="black"><use xlink:href="#c" x="1"/><text>a &amp; b</text>'
       '<path d="M0,0 L1,1"/></g></svg>\n')
put("inline_svg", "whole", svg)
put("inline_svg", "script", svg.replace("<path", "<script>alert(1)</script><path"))
put("inline_svg", "handler", svg.replace("<g ", '<g onload="x()" '))
put("inline_svg", "outer", svg.replace("#c", "http://x"))
put("inline_svg", "open", svg[:-9])
put("inline_svg", "url", svg.replace('stroke="black"', 'fill="url(#c)"'))
