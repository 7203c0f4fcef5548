/* What the files of lying-validate share. */
#ifndef LYING_H
#define LYING_H

#include "base/buf.h"
#include "role/role.h"
#include "sys/file.h"

struct liar {
	char			 lie[64];
	struct buf		 given;		/* bytes that came with it, from hexadecimal */
	struct loop_timer	*timer;
	int			 ring_fd;
	struct file_map		 cur;		/* the snapshot in force */
	bool			 has_cur;
	uint32_t		 n;
};

/* Bytes that are different each time and mean nothing. */
void	 noise(struct liar *, uint8_t *, size_t);
int	 noise_fd(struct liar *, size_t, int *ret_fd) MUST_USE;

/* In network order. */
void	 u32_put(uint8_t *, uint32_t);

/* lying_frames.c: what the parent and the receivers have to refuse or bear. */
int	 lie_facts(struct role *) MUST_USE;
int	 lie_as_verify(struct role *) MUST_USE;
int	 lie_garbage(struct role *) MUST_USE;
int	 lie_short(struct role *) MUST_USE;
int	 lie_maxima(struct role *) MUST_USE;
int	 lie_lengths(struct role *) MUST_USE;
int	 lie_descriptors(struct role *) MUST_USE;
int	 lie_pins(struct role *) MUST_USE;
int	 lie_deaf(struct role *) MUST_USE;
int	 lie_histories(struct role *) MUST_USE;
int	 lie_log(struct role *) MUST_USE;
int	 lie_audit(struct role *) MUST_USE;

#endif
