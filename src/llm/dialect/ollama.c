/*
 * Ollama's own API, POST /api/chat: one JSON object a line, the last with `done`.  Only providers speak it
 * to us, clients come by other formats.
 */
#include "llm/dialect/ollama_impl.h"

const struct dialect dialect_ollama = {
    .name = "ollama",
    .has_end = true,
    .framing = FRAMING_LINES,
    .write_request = ollama_write_request,
    .reader_size = sizeof(struct ollama_reader),
    .read_unit = ollama_read_unit,
    .read_end = ollama_read_end,
    .read_answer = ollama_read_answer,
    .read_error = ollama_read_error,
};
