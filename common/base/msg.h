/* msg.h - what a program says about itself on stderr.  Layer: base.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#define MSG_FORMAT(f, a) __attribute__((format(printf, f, a)))

/* Exit statuses that every program keeps. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* The name that starts every message; borrowed, a string literal in practice. */
void msg_set_prog(const char *name);
const char *msg_prog(void);

/* No progress any more. Warnings and errors do not ask. */
void msg_set_quiet(int quiet);

/* One line on stderr, "prog: " in front and a line feed behind: warn returns, die ends with STATUS_FAILED,
 * die_usage with STATUS_USAGE and a pointer to --help. A program whose status answers a question (as cmp and
 * grep do) asks for die to end with `status` instead of 1. Control characters are printed as '?'. */
void warn(const char *format, ...) MSG_FORMAT(1, 2);
_Noreturn void die(const char *format, ...) MSG_FORMAT(1, 2);
_Noreturn void die_usage(const char *format, ...) MSG_FORMAT(1, 2);
void msg_set_failed_status(int status);

/* One progress line, rewritten in place, at most ten times a second; nothing if stderr is no terminal.
 * msg_progress_end wipes it; warn and die do so by themselves. Call from one thread at a time. */
void msg_progress(const char *format, ...) MSG_FORMAT(1, 2);
void msg_progress_end(void);

#endif
