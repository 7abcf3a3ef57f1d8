// Trains with Hugging Face's library on files and writes the merges, one a line: NODE_MODULES=DIR node hf.mjs OUT FILE...
// The pipeline is BLOOM's; the trainer's size is 30,000 tokens, of which the letters of the bytes that occur are the first.
// SPDX-License-Identifier: GPL-3.0-or-later
import fs from 'node:fs'; import { createRequire } from 'node:module';
const { Tokenizer } = createRequire(process.env.NODE_MODULES + '/x.js')('tokenizers');
const [out, ...files] = process.argv.slice(2), split = ' ?[^(\\s|[.,!?…。，、।۔،])]+';
const t = Tokenizer.fromString(JSON.stringify({
  version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, post_processor: null, decoder: null,
  pre_tokenizer: { type: 'Sequence', pretokenizers: [
    { type: 'Split', pattern: { Regex: split }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }] },
  model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null,
    fuse_unk: false, byte_fallback: false, vocab: {}, merges: [] } }));
const start = process.hrtime.bigint(), cpu = process.cpuUsage();
t.train(files);
const used = process.cpuUsage(cpu);
console.log(Number(process.hrtime.bigint() - start) / 1e9, (used.user + used.system) / 1e6); // seconds: wall, processor
t.save(out, false);
const merges = JSON.parse(fs.readFileSync(out)).model.merges;
fs.writeFileSync(out, merges.map(m => (Array.isArray(m) ? m.join(' ') : m) + '\n').join(''));
