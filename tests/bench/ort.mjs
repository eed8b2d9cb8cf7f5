// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs ONNX Runtime by a line protocol on stdin and stdout, which runner.c
// speaks for the library:
//
//   load MODEL THREADS [disabled]   reads a model, all optimisations or
//                        none                              -> ok
//   input NAME FILE.npy  sets an input                       -> ok
//   run N                N inferences                        -> ms ms …
//   save FOLDER          the last outputs as NAME.npy        -> ok NAME …
//   quit
//
// A command that fails answers `error MESSAGE`. The environment variable
// ORT_FOLDER names the folder in which onnxruntime-node is installed.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const require = createRequire(resolve(process.env.ORT_FOLDER ?? '.', 'x.js'));
const ort = require('onnxruntime-node');

const TYPES = {
  '<f4': ['float32', Float32Array],
  '<f8': ['float64', Float64Array],
  '<i8': ['int64', BigInt64Array],
  '<i4': ['int32', Int32Array],
  '|u1': ['uint8', Uint8Array],
  '|i1': ['int8', Int8Array],
  '|b1': ['bool', Uint8Array],
};

function readNpy(path) {
  const file = readFileSync(path);
  const header = file.toString('latin1', 10, 10 + file.readUInt16LE(8));
  const descr = /'descr': *'([^']+)'/.exec(header)[1];
  const dims = /'shape': *\(([^)]*)\)/.exec(header)[1]
    .split(',').map((s) => s.trim()).filter(Boolean).map(Number);
  const [type, Array] = TYPES[descr];
  const start = file.byteOffset + 10 + file.readUInt16LE(8);
  const count = dims.reduce((a, b) => a * b, 1);
  const data = new Array(
    file.buffer.slice(start, start + count * Array.BYTES_PER_ELEMENT));
  return new ort.Tensor(type, data, dims);
}

function writeNpy(path, tensor) {
  const descr = Object.keys(TYPES).find((k) => TYPES[k][0] === tensor.type);
  const shape = tensor.dims.map((d) => `${d},`).join(' ');
  let header = `{'descr': '${descr}', 'fortran_order': False, ` +
    `'shape': (${shape}), }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  const { buffer, byteOffset, byteLength } = tensor.data;
  writeFileSync(path, Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length,
    Buffer.from(header, 'latin1'), Buffer.from(buffer, byteOffset, byteLength),
  ]));
}

let session, outputs, feeds = {};

const commands = {
  async load(model, threads, optimizations = 'all') {
    await session?.release();
    session = undefined; // what follows may fail
    feeds = {};
    outputs = undefined;
    session = await ort.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: optimizations,
      executionMode: 'sequential',
      intraOpNumThreads: Number(threads),
      interOpNumThreads: 1,
    });
    return 'ok';
  },

  async input(name, path) {
    feeds[name] = readNpy(path);
    return 'ok';
  },

  async run(count) {
    const times = [];
    for (let n = 0; n < Number(count); n++) {
      const start = process.hrtime.bigint();
      outputs = await session.run(feeds);
      times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    return times.map((t) => t.toFixed(4)).join(' ');
  },

  async save(folder) {
    const names = Object.keys(outputs);
    for (const name of names) {
      const file = name.replace(/[^A-Za-z0-9._-]/g, '_');
      writeNpy(join(folder, `${file}.npy`), outputs[name]);
    }
    return ['ok', ...names].join(' ');
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.trim().split(/\s+/);
  if (command === 'quit') break;
  try {
    console.log(await commands[command](...args));
  } catch (error) {
    console.log(`error ${String(error?.message ?? error).replace(/\s+/g, ' ')}`);
  }
}
await session?.release();
