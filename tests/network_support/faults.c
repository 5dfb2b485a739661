/* What a process is made to see of its clock and its disk, loaded before the system's library (LD_PRELOAD).
 *
 * The page that the test writes is mapped when the process starts: later, a sandbox may forbid opening it. Calls go to the
 * kernel directly. Only files whose path ends with the given words fail, or are slow. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The layout is tests/network_support/faults.rs's, too. */
struct page {
    volatile int64_t clock_offset_ms;
    volatile int64_t sync_errno;
    volatile int64_t write_errno;
    volatile int64_t syncs_failed;
    volatile int64_t writes_failed;
    volatile int64_t sync_delay_ms;
    volatile char path_end[64];
};

static struct page *page;

__attribute__((constructor)) static void map_page(void) {
    const char *path = getenv("POP_TEST_FAULTS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) page = mapped;
    close(file);
}

static int is_meant(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    size_t end = strlen((const char *)page->path_end);
    return length > 0 && end > 0 && (size_t)length >= end
        && memcmp(path + length - end, (const char *)page->path_end, end) == 0;
}

static int sync_fails(int file) {
    if (!page || !(page->sync_errno || page->sync_delay_ms) || !is_meant(file)) return 0;
    if (page->sync_delay_ms) {
        struct timespec delay = {page->sync_delay_ms / 1000, page->sync_delay_ms % 1000 * 1000000};
        syscall(SYS_nanosleep, &delay, NULL);
    }
    if (!page->sync_errno) return 0;
    __sync_fetch_and_add(&page->syncs_failed, 1);
    errno = (int)page->sync_errno;
    return 1;
}

static int write_fails(int file) {
    if (!page || !page->write_errno || !is_meant(file)) return 0;
    __sync_fetch_and_add(&page->writes_failed, 1);
    errno = (int)page->write_errno;
    return 1;
}

int fsync(int file) { return sync_fails(file) ? -1 : (int)syscall(SYS_fsync, file); }
int fdatasync(int file) { return sync_fails(file) ? -1 : (int)syscall(SYS_fdatasync, file); }

ssize_t write(int file, const void *bytes, size_t length) {
    return write_fails(file) ? -1 : syscall(SYS_write, file, bytes, length);
}
ssize_t pwrite64(int file, const void *bytes, size_t length, off_t at) {
    return write_fails(file) ? -1 : syscall(SYS_pwrite64, file, bytes, length, at);
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return pwrite64(file, bytes, length, at); }

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && page && page->clock_offset_ms) {
        int64_t nanoseconds = time->tv_nsec + page->clock_offset_ms % 1000 * 1000000;
        int64_t carry = nanoseconds < 0 ? -1 : nanoseconds / 1000000000;
        time->tv_nsec = nanoseconds - carry * 1000000000;
        time->tv_sec += page->clock_offset_ms / 1000 + carry;
    }
    return result;
}
