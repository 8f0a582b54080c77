/* The wall clock of one process, shifted: what LD_PRELOAD puts before the C library's own.
 *
 * The shift is read from a small file that stays mapped, so that the bench can step it or
 * let it drift while the process runs. Monotonic clocks are left alone, as a step or a
 * slew of the real clock leaves them alone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct shift {
  double offset_s;   /* added to the true time */
  double rate;       /* seconds gained in a second, from base_s on */
  double base_s;
};

static volatile const struct shift *shift;

__attribute__((constructor)) static void open_shift(void) {
  const char *path = getenv("V2G_VPP_BENCH_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *map = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  if (map != MAP_FAILED) shift = map;
  close(file);
}

static int is_wall(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (result != 0 || !shift || !is_wall(clock)) return result;
  double true_s = (double)now->tv_sec + (double)now->tv_nsec / 1e9;
  double ahead_s = shift->offset_s + shift->rate * (true_s - shift->base_s);
  int64_t ns = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec;
  ns += (int64_t)(ahead_s * 1e9);
  now->tv_sec = ns / 1000000000;
  now->tv_nsec = ns % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec found;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &found) != 0) return -1;
  now->tv_sec = found.tv_sec;
  now->tv_usec = found.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *kept) {
  struct timespec found;
  clock_gettime(CLOCK_REALTIME, &found);
  if (kept) *kept = found.tv_sec;
  return found.tv_sec;
}
