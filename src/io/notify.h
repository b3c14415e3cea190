/* Telling the service manager (sd_notify(3), without its library): $NOTIFY_SOCKET, if it is set. */
#ifndef IO_NOTIFY_H
#define IO_NOTIFY_H

void notify_ready(void);
void notify_reloading(void); /* followed by notify_ready() */
void notify_stopping(void);

/* The manager restarts us unless it hears notify_alive() this often; 0: it does not care. */
unsigned notify_watchdog_ms(void);
void notify_alive(void);

#endif
