#include "ops/process_stats.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/metric.h"

static uint64_t cpu_us(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u))
        return 0;
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* statm: pages in all, resident (proc(5)). */
static void memory(void)
{
    unsigned long long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (fscanf(f, "%llu %llu", &pages, &resident) == 2) {
        metric_set(metric_plain(METRIC_PROCESS_VIRTUAL), pages * page);
        metric_set(metric_plain(METRIC_PROCESS_RSS), resident * page);
    }
    fclose(f);
}

static uint64_t entries(const char *path)
{
    uint64_t n = 0;
    DIR *d = opendir(path);
    if (!d)
        return 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

void process_stats_update(void)
{
    static uint64_t started;
    struct rlimit fds;
    if (!started)
        started = (uint64_t)time(NULL);
    metric_set(metric_plain(METRIC_PROCESS_CPU), cpu_us());
    memory();
    metric_set(metric_plain(METRIC_PROCESS_FDS), entries("/proc/self/fd"));
    metric_set(metric_plain(METRIC_PROCESS_THREADS), entries("/proc/self/task"));
    if (getrlimit(RLIMIT_NOFILE, &fds) == 0)
        metric_set(metric_plain(METRIC_PROCESS_MAX_FDS), fds.rlim_cur);
    metric_set(metric_plain(METRIC_PROCESS_START), started);
}
