/* TensorProto files: inputs and outputs of ONNX test cases. */
#include "frontend/onnx_slim.h"
#include "frontend/onnx_tensor.h"

bool read_tensor_pb(Context *ctx, Arena *arena, const char *path, TensorView *out) {
  TensorStore s = {.ctx = ctx, .path = path, .arena = arena_new()};
  ProtobufCMessage *m = NULL;
  bool ok = map_file(ctx, path, &s.map);
  if (ok) m = slim_unpack(ctx, path, &onnx__tensor_proto__descriptor, s.map.data, s.map.size);
  ok = m && tensor_view(&s, (Where){.file = path}, (const Onnx__TensorProto *)m, out);
  if (ok) out->data = arena_copy(arena, out->data, out->bytes);
  if (m) protobuf_c_message_free_unpacked(m, NULL);
  tensor_store_close(&s);
  arena_free(s.arena);
  return ok;
}
