#include "attempt/map_input.h"

#include "record/value.h"
#include "vm/reader_grammar.h"
#include "vm/reader_json.h"

int map_input_init(struct map_input *input, const char *format, struct slice view, struct err *err)
{
    *input = (struct map_input){0};
    if (reader_kind_by_name(slice_of_string(format), &input->kind, err) != 0)
        return -1;
    input->runs_job = input->kind == READER_GRAMMAR || input->kind == READER_GRAMMAR_WHOLE;
    value_field_table(view, "input_options", &input->options);
    return 0;
}

struct reader *map_input_open(const struct map_input *input, struct vm *vm,
                              const Mrlua__Input *message, int fd, struct err *err)
{
    const Mrlua__Piece *piece = message->piece;
    struct source_input source = {
        .fd = fd,
        .is_stream = message->is_stream,
        .is_gzip = piece->is_gzip,
        .name = piece->name,
        .offset = piece->offset,
        .length = piece->length,
        .size = piece->size,
    };

    if (!reader_needs_lua(input->kind))
        return reader_open(input->kind, &source, input->options, err);
    if (input->kind == READER_JSONL)
        return reader_json_open(vm, &source, input->options, err);
    return reader_grammar_open(vm, &source, input->options, err);
}
