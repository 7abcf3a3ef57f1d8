// Random small tokenizers, texts, and the ids and texts that Hugging Face's own library makes of them: pipelines.jsonl.gz.
//   NODE_MODULES=/path/to/node_modules node pipelines.mjs [SEED [COUNT]] | gzip -9n > pipelines.jsonl.gz
// NODE_MODULES holds npm tokenizers 0.23.2. Each line: {"tokenizer": "{...}", "encode": [[text, [id, ...]], ...],
// "decode": [[[id, ...], text], ...]}. The library panics on some pipelines (a Strip decoder on an empty token, an added
// token that normalises to nothing); the choices below keep clear of them.
// SPDX-License-Identifier: GPL-3.0-or-later
import { createRequire } from 'node:module';
const { Tokenizer } = createRequire(process.env.NODE_MODULES + '/x.js')('tokenizers');
const [seed, count] = process.argv.slice(2).map(Number);

let state = BigInt(seed || 1) * 2654435761n + 88172645463325252n;
function below(n) {                                             // xorshift64
  state ^= (state << 13n) & 0xffffffffffffffffn; state ^= state >> 7n; state ^= (state << 17n) & 0xffffffffffffffffn;
  return Number(state % BigInt(n));
}
const one_in = n => below(n) === 0, coin = () => one_in(2), pick = list => list[below(list.length)];
const times = (n, f) => Array.from({ length: n }, f);

// what texts are made of: what normalisers, patterns, clusters and byte alphabets stumble over
const atoms = ['a', 'b', 'c', 'A', 'B', 'e\u0301', 'é', 'ß', 'İ', 'ſ', '\u212a', ' ', '  ', ' ', '\t', '\n', '\r\n', '\u00a0', '\u3000',
  '\u200b', '\u200d', '.', ',', '!', '?', '(', ')', '|', '[', ']', '-', '_', "'", "'s", "'S", "'ll", "'LL", "'ſ", '1', '2', '34', '٣', '½',
  'Ⅷ', '²', '中', '文', '日', 'ก', 'ำ', '่', 'क', '्', 'ष', 'ि', '가', 'ᄀ', 'ᅡ', 'ᆨ', '😀', '👨‍👩‍👧', '🇩🇪', 'ﷺ', 'ﬁ', 'Å', '\u0000', '\u0001',
  '\u007f', '\ufeff', '\ufffd', '▁', 'Ġ', '<s>', '</s>', '<unk>', '<x>', 'word', 'the', 'ab', 'abc', 'Σ', 'σς', '…', '،', '۔', '।', '、', '。',
  '，', 'ﾊﾟ', '\u0345', '\u0903', 'a\u0903', 'é\u0301\u0301', '\u1ab0', '𝐀', '🅰', 'א', 'ַ', '$', '+', '<', '>', '=', '^', '`', '~', 'Ａ',
  '\u2028', '\u180e', '\u0600a', '©\u200d©', '\u00ad'];
const text = () => times(one_in(4) ? below(3) : below(20), () => pick(atoms)).join('');

const patterns = ['\\s+', '\\w+', '\\d', '[a-c]+', '\\p{L}+', '\\p{N}{1,3}', ' ?\\p{L}+', '[^\\s\\p{L}]+', ' ?[^(\\s|[.,!?…。，、।۔،])]+',
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  '[一-龥぀-ゟ゠-ヿ]+', 'a*', '(?=b)', '\\b', '\\B', '[\\w&&[^a-z]]+', '[^\\W\\d_]+', 'a{2}+', 'b{1}?', '(?i)ab|k', 'b?a??', 'x{,2}b', '.', '$', '^',
  '\\h+', '\\p{Han}+', '(?<=a)b', '(?<!a)b', '[[:punct:]]', '[[:alpha:][:digit:]]+', '[^[:space:]]+', '\\p{^L}+', '[\\]\\[\\-]', 'a(?i)b|c',
  '(?m:a.)', '(?>a+)b', '[a-c[x-z]]', '\\S+', '\\W', '\\D+', '[\\S]', '[^a[^b-z]]', '\\u0041|\\x{ff21}', '(?x: a \\  b # c\n)', '\\A.', '.\\z', '\\R'];
const pattern = () => one_in(3) ? { String: pick([' ', 'a', 'ab', '▁', '.', '  ', 'é', '中', '\n']) } : { Regex: pick(patterns) };

const sequence = (make, depth) => times(below(4), () => make(depth + 1));
function normalizer(depth = 0) {
  const type = pick(['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents', 'Strip', 'Prepend', 'Replace', 'Replace', 'Nmt', 'BertNormalizer',
    'ByteLevel', ...(depth < 2 ? ['Sequence', 'Sequence'] : [])]);
  return { type, ...({
    Strip: () => ({ strip_left: coin(), strip_right: coin() }), Prepend: () => ({ prepend: pick(['▁', ' ', 'xy']) }),
    Replace: () => ({ pattern: pattern(), content: pick(['', '▁', ' ', 'xx', 'é']) }),
    BertNormalizer: () => ({ clean_text: coin(), handle_chinese_chars: coin(), strip_accents: pick([null, true, false]), lowercase: coin() }),
    Sequence: () => ({ normalizers: sequence(normalizer, depth) }),
  }[type] ?? (() => ({})))() };
}

const behaviours = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'];
function pre_tokenizer(depth = 0) {
  const type = pick(['Split', 'Split', 'Split', 'ByteLevel', 'ByteLevel', 'Digits', 'Whitespace', 'WhitespaceSplit', 'Punctuation', 'Metaspace',
    'Metaspace', 'BertPreTokenizer', 'CharDelimiterSplit', ...(depth < 2 ? ['Sequence', 'Sequence'] : [])]);
  return { type, ...({
    Split: () => ({ pattern: pattern(), behavior: pick(behaviours), invert: coin() }),
    ByteLevel: () => ({ add_prefix_space: coin(), trim_offsets: coin(), use_regex: coin() }),
    Digits: () => ({ individual_digits: coin() }), Punctuation: () => ({ behavior: pick(behaviours) }),
    Metaspace: () => ({ replacement: pick(['▁', '_']), prepend_scheme: pick(['always', 'first', 'never']), split: coin() }),
    CharDelimiterSplit: () => ({ delimiter: pick(['a', ' ', '中']) }), Sequence: () => ({ pretokenizers: sequence(pre_tokenizer, depth) }),
  }[type] ?? (() => ({})))() };
}

function decoder(depth = 0) {
  const type = pick(['ByteLevel', 'ByteFallback', 'Fuse', 'Metaspace', 'Replace', 'Strip', 'WordPiece', 'BPEDecoder',
    ...(depth < 2 ? ['Sequence', 'Sequence'] : [])]);
  return { type, ...({
    ByteLevel: () => ({ add_prefix_space: coin(), trim_offsets: coin(), use_regex: coin() }),
    Metaspace: () => ({ replacement: '▁', prepend_scheme: pick(['always', 'first', 'never']), split: true }),
    Replace: () => ({ pattern: pattern(), content: pick(['', ' ', 'xx']) }), Strip: () => ({ content: pick([' ', 'a', '▁']), start: below(3), stop: 0 }),
    WordPiece: () => ({ prefix: '##', cleanup: coin() }), BPEDecoder: () => ({ suffix: '</w>' }),
    Sequence: () => ({ decoders: [decoder(depth + 1), ...sequence(decoder, depth)] }),
  }[type] ?? (() => ({})))() };
}

const is_plain = b => (b > 32 && b < 127) || (b > 160 && b !== 173);
const letters = (() => { let n = 256; return times(256, (_, b) => String.fromCodePoint(is_plain(b) ? b : n++)); })();
const fallback = b => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`;

function unigram() {
  const seen = new Set(['<unk>']), vocab = [['<unk>', 0]], byte_fallback = coin();
  const add = s => { if (!seen.has(s)) { seen.add(s); vocab.push([s, -(1 + below(1000) / (coin() ? 100 : 7))]); } };
  times(40, () => add(times(1 + below(4), () => pick(atoms)).join('')));
  for (const atom of atoms) if (coin()) for (const c of atom) add(c);
  if (byte_fallback) for (let b = 0; b < 256; b++) if (!one_in(20)) add(fallback(b));
  return { type: 'Unigram', unk_id: one_in(8) ? null : 0, vocab, byte_fallback };
}

function bpe() {
  const vocab = {}, merges = [], add = s => { vocab[s] ??= Object.keys(vocab).length; };
  const bytes = coin(), byte_fallback = one_in(4), prefix = one_in(8) ? '##' : null, suffix = one_in(8) ? '</w>' : null;
  if (coin()) add('<unk>');
  if (bytes) for (const c of letters) if (!one_in(40)) add(c);
  for (const atom of atoms) for (const c of atom) if (!one_in(5)) for (const p of ['', ...(prefix ? ['##'] : [])]) for (const s of ['', ...(suffix ? ['</w>'] : [])]) add(p + c + s);
  if (byte_fallback) for (let b = 0; b < 256; b++) if (!one_in(30)) add(fallback(b));
  const corpus = times(30, () => bytes ? [...Buffer.from(text())].map(b => letters[b]) : [...text()]);   // so that merges occur
  for (let tries = 0; tries < 60; tries++) {
    const t = pick(corpus), k = below(Math.max(1, t.length - 1)), [a, b] = [t[k], t[k + 1]];
    if (!(a in vocab) || !(b in vocab) || (prefix && !b.startsWith('##'))) continue;
    const ab = a + (prefix ? b.slice(2) : b);
    add(ab); merges.push([a, b]);
    for (const c of corpus) for (let j = 0; j + 1 < c.length; j++) if (c[j] === a && c[j + 1] === b) c.splice(j, 2, ab);
  }
  const as_pairs = coin() || merges.some(m => m.some(s => s.includes(' ')));
  return { type: 'BPE', dropout: null, unk_token: '<unk>' in vocab && coin() ? '<unk>' : null, continuing_subword_prefix: prefix,
    end_of_word_suffix: suffix, fuse_unk: coin(), byte_fallback, ignore_merges: one_in(3), vocab, merges: as_pairs ? merges : merges.map(m => m.join(' ')) };
}

function added_tokens(model) {
  const ids = model.type === 'BPE' ? model.vocab : Object.fromEntries(model.vocab.map(([s], i) => [s, i])), list = [];
  let next = Object.keys(ids).length;
  for (const content of ['<s>', '</s>', '<x>', '<unk>', 'word', 'ab', '中', '  ', 'é', '.', 'the'])
    if (one_in(3)) list.push({ id: ids[content] ?? next++, content, single_word: one_in(3), lstrip: one_in(3), rstrip: one_in(3),
      normalized: content === 'word' && coin(), special: coin() });
  return list;
}

const processors = [null, null, { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
  { type: 'BertProcessing', sep: ['a', 1], cls: ['b', 2] }, { type: 'RobertaProcessing', sep: ['a', 1], cls: ['b', 2], trim_offsets: true, add_prefix_space: true },
  { type: 'TemplateProcessing', single: [{ SpecialToken: { id: 'x', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: 'y', type_id: 0 } }],
    pair: [], special_tokens: { x: { id: 'x', ids: [1, 2], tokens: ['a', 'b'] }, y: { id: 'y', ids: [3], tokens: ['c'] } } }];

for (let i = 0; i < (count || 240); i++) {
  const model = one_in(3) ? unigram() : bpe(), n = Object.keys(model.vocab).length;
  const tokenizer = { version: '1.0', truncation: null, padding: null, added_tokens: added_tokens(model), normalizer: coin() ? normalizer() : null,
    pre_tokenizer: one_in(5) ? null : pre_tokenizer(), post_processor: pick(processors), decoder: one_in(5) ? null : decoder(), model };
  if (tokenizer.added_tokens.some(t => t.normalized) && JSON.stringify(tokenizer.normalizer).includes('Replace')) continue;
  const reference = Tokenizer.fromString(JSON.stringify(tokenizer)), encode = [], decode = [];
  for (const t of times(8, text)) {
    try { encode.push([t, Array.from((await reference.encode(t, null, { addSpecialTokens: true })).getIds())]); } catch { /* no unknown token */ }
  }
  for (const ids of times(4, () => times(below(8), () => below(n)))) decode.push([ids, await reference.decode(ids, false)]);
  console.log(JSON.stringify({ tokenizer: JSON.stringify(tokenizer), encode, decode }));
}
