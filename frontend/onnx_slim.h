/* Protobuf as protobuf-c does not give it: a copy without the large tensors, and fields newer than the schema. */
#ifndef NEXTC_ONNX_SLIM_H
#define NEXTC_ONNX_SLIM_H
#include "ir/diag.h"
#include <protobuf-c/protobuf-c.h>

/* Unpacks a message of the given kind. protobuf-c copies every byte field, so it is fed a copy of the message in which
 * each large TensorProto.raw_data is replaced by a reference into `bytes` (slim_raw_data). Lengths and nesting are
 * checked first. NULL + diag on path where the bytes are no such message. Freed by protobuf_c_message_free_unpacked. */
ProtobufCMessage *slim_unpack(Context *, const char *path, const ProtobufCMessageDescriptor *,
                              const unsigned char *bytes, size_t size);

/* Where slim_unpack left a tensor's raw_data: offset and size in `bytes`. False: it is in the message. */
bool slim_raw_data(const ProtobufCMessage *tensor, size_t *offset, size_t *size);

/* The nth occurrence of a length-delimited field that the schema does not know; false: there is none. */
bool unknown_bytes(const ProtobufCMessage *, uint32_t field, size_t nth, const unsigned char **at, size_t *size);
#endif
