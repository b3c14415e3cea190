/* What the kernel knows of this process. */
#ifndef OPS_PROCESS_STATS_H
#define OPS_PROCESS_STATS_H

/* Sets the process_ metrics; on one thread only. */
void process_stats_update(void);

#endif
