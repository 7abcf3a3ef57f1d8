/* tstream.h - streams of tensors: frames, each a safetensors container.  Layer: io.
 *
 * A frame is an 8-byte little-endian header length, a JSON header and the data. A stream that these programs
 * write is BGZF-compressed (SAM specification, section 4.1) unless told otherwise. Its frames have their
 * number in `__metadata__` ("frame": "0"), and it ends with an end frame: no tensors, and `__metadata__` =
 * {"end":
 * "<number of frames before it>"}. Readers tell apart by the first bytes a compressed stream, an uncompressed
 * one, and a plain model.safetensors: one frame without a number, as long as the file, no end frame expected.
 * So a stream cut anywhere, between frames too, is an error. Validation is strict (huggingface/safetensors,
 * rules of the reference reader): any defect is an error with a reason. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#ifndef IO_TSTREAM_H
#define IO_TSTREAM_H
#include "io/bytein.h"
#include "io/tensor.h"

struct ts_reader;
struct ts_writer;

/* ---- reading */

/* Opens path ("-" is stdin) and reads the first frame's header, whose `__metadata__` is there at once.
 * n_thread inflate. A seekable plain file is mapped. ts_open returns NULL and a reason (static until the next
 * call) when it cannot; errno is then 0 if the input could be read but is bad. ts_open_in ends the program.
 */
struct ts_reader *ts_open(const char *path, int n_thread, const char **why);
struct ts_reader *ts_open_bytes(struct bytein *in, const char **why); /* takes `in` over, success or not */
struct ts_reader *ts_open_in(const char *path, int n_thread);
const char *ts_path(const struct ts_reader *r); /* for messages */

/* The next frame: 1, 0 at the clean end of the stream, -1 on an error (see ts_error). What the caller has not
 * read of the current frame is skipped, but still checked. */
int ts_next_frame(struct ts_reader *r);

/* Of the current frame: its number from 0, how many tensors, its `__metadata__` (NULL when the key is not
 * there), borrowed until the next frame. ts_meta_at walks all keys: NULL when i is past the last. */
size_t ts_frame(const struct ts_reader *r);
size_t ts_frame_tensors(const struct ts_reader *r);
const struct tensor *ts_frame_tensor(const struct ts_reader *r,
                                     size_t i); /* description only: data is NULL, but see ts_map */
const char *ts_meta(const struct ts_reader *r, const char *key);
const char *ts_meta_at(const struct ts_reader *r, size_t i, const char **value);

/* The next tensor in the order of the data, through all frames, frame by frame: 1; 0 at the clean end of the
 * stream; -1 on an error. t and its data are borrowed from r until the next call on r. ts_next_in_frame gives
 * 0 at the end of the frame. */
int ts_next(struct ts_reader *r, struct tensor *t);
int ts_next_in_frame(struct ts_reader *r, struct tensor *t);

/* For tensors in an order of one's own, right after ts_open: 1 if r is one mapped file of one frame; every
 * ts_frame_tensor then has its data, until ts_close. 0 if it is anything else, to be read as it comes.
 * ts_release gives the pages of n bytes of it back to the system, so that who is done with a tensor need not
 * hold it in memory. */
int ts_map(struct ts_reader *r);
void ts_release(const struct ts_reader *r, const void *data, size_t n);

/* Takes over the data of the tensor that ts_next gave last, which the caller then frees; NULL where they are
 * mapped and stay until ts_close. */
void *ts_take(struct ts_reader *r, const void *data);

/* What was wrong: one line with the place ("frame 3, 'h.0.ln.weight': truncated"). ts_die ends the program
 * with it. */
const char *ts_error(const struct ts_reader *r);
int ts_error_number(const struct ts_reader *r); /* errno of a failed read; 0 if the data are bad */
_Noreturn void ts_die(const struct ts_reader *r);
void ts_close(struct ts_reader *r);

/* ---- writing */

struct ts_options {
    int level;    /* BGZF: 0 none (a bare stream), else 1 to 12 of libdeflate */
    int n_thread; /* that deflate */
};
enum { TS_LEVEL = 1 }; /* the usual one */

/* Opens path. "-" and most names get a stream; NAME.safetensors gets one plain file, into which all frames
 * are merged (names must then differ, `__metadata__` is that of the first frame). If that has no `format`,
 * the file says "pt", without which transformers loads none. Its data are laid out by size of element, large
 * first, so that all are aligned, else in the order given; the data of a single frame go to their place at
 * once, those of several are copied once more at the end. options NULL: TS_LEVEL, one thread. Ends the
 * program when it cannot; so does every write. Nothing has the final name before ts_close_out. */
struct ts_writer *ts_open_out(const char *path, const struct ts_options *options);
/* Whether it is such a plain file: who could give all in one frame then saves that copy. */
int ts_out_is_plain(const struct ts_writer *w);

/* `__metadata__` for the next frame, kept until changed. value NULL removes the key. ts_out_copy_meta takes
 * all of r's current frame's; ts_out_history appends a line (cli_history()) to `history`, in every frame from
 * here on. */
void ts_out_meta(struct ts_writer *w, const char *key, const char *value);
void ts_out_copy_meta(struct ts_writer *w, const struct ts_reader *r);
void ts_out_history(struct ts_writer *w, const char *line);

/* One frame: describe its tensors (data ignored, strings copied), then give the data of each, in that order,
 * in as many pieces as you like; the sum is checked. */
void ts_out_frame(struct ts_writer *w, const struct tensor *tensors, size_t n);
void ts_out_data(struct ts_writer *w, const void *data, size_t n_bytes);

/* End frame, flush, rename; ends the program when the disk is full. */
void ts_close_out(struct ts_writer *w);

#endif
