// What Hugging Face's library (npm tokenizers, in NODE_MODULES) trains and encodes.  SPDX-License-Identifier: GPL-3.0-or-later
//   node hf.mjs train OUT FILE...      BLOOM's pipeline on the files' lines: the merges of 30,000 tokens, one a line, in OUT, and
//                                      the seconds of training, by the clock and of the processor, on stdout
//   node hf.mjs ids TOKENIZER TEXTS    the ids of each text, a JSON string a line
//   node hf.mjs udhr TOKENIZER DIR     code, number and CRC-32 of the ids of each DIR/CODE.txt, as tests/unit/udhr.c wants them
import fs from 'node:fs'; import zlib from 'node:zlib'; import { createRequire } from 'node:module';
const { Tokenizer } = createRequire(process.env.NODE_MODULES + '/x.js')('tokenizers');
const [what, first, ...rest] = process.argv.slice(2);
const lines = file => fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
const ids = async (t, s) => Array.from((await t.encode(s, null, { addSpecialTokens: false })).getIds());

function train(out, files) {
  const t = Tokenizer.fromString(JSON.stringify({
    version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, post_processor: null, decoder: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [
      { type: 'Split', pattern: { Regex: ' ?[^(\\s|[.,!?…。，、।۔،])]+' }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }] },
    model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null,
      fuse_unk: false, byte_fallback: false, vocab: {}, merges: [] } }));
  const start = process.hrtime.bigint(), cpu = process.cpuUsage();
  t.train(files);
  const { user, system } = process.cpuUsage(cpu);
  console.log(Number(process.hrtime.bigint() - start) / 1e9, (user + system) / 1e6);
  t.save(out, false);
  const merges = JSON.parse(fs.readFileSync(out)).model.merges;
  fs.writeFileSync(out, merges.map(m => (Array.isArray(m) ? m.join(' ') : m) + '\n').join(''));
}

if (what === 'train') train(first, rest);
if (what === 'ids') {
  const t = Tokenizer.fromFile(first);
  for (const line of lines(rest[0])) console.log((await ids(t, JSON.parse(line))).join(' '));
}
if (what === 'udhr') {
  const t = Tokenizer.fromFile(first);
  console.log('code\ttrained_ids\ttrained_crc32');
  for (const file of fs.readdirSync(rest[0]).sort()) {
    const all = [];
    for (const line of lines(`${rest[0]}/${file}`)) all.push(...await ids(t, line));
    const crc = zlib.crc32(Buffer.from(Uint32Array.from(all).buffer));
    console.log(`${file.slice(0, -4)}\t${all.length}\t${crc.toString(16).padStart(8, '0')}`);
  }
}
