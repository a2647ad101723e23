/* Everything that can be wrong with an ONNX model is said, with the node's name, and never crashes. */
#include "tests/test.h"
#include "tests/onnx_builder.h"

/* The model is refused and every one of the '|'-separated parts is in the diagnostics. */
static void refused(int opset, const char *text, const char *parts) {
  Context *c = context_new();
  Graph *g = import_text(c, opset, text);
  CHECK(!g);
  CHECK(c->errors > 0);
  for (const char *part = parts; *part; part += *part == '|') {
    size_t n = strcspn(part, "|");
    CHECK_HAS(diag_text(c), arena_strndup(c->arena, part, n));
    part += n;
  }
  graph_free(g);
  context_free(c);
}

typedef struct {
  const char *name;
  int opset;
  const char *model, *parts;
} Case;

#define X  "in x:f32[2,3]; "
#define X4 "in x:f32[1,4,6,6]; "

static const Case model_cases[] = {
    {"no opset", 0, X "y = Relu x; out y", "has no opset_import"},
    {"opset of another domain only", 0, "opset other 1; " X "y = Relu x; out y",
     "node 'y' (Relu): error: opset_import has no version for ONNX's own operators"},
    {"no nodes", 17, X "out x", "the graph is empty"},
    {"no outputs", 17, X "y = Relu x", "the graph has no outputs"},
    {"cycle", 17, X "a = Add x b; b = Relu a; out b",
     "node 'b' (Relu, opset 17): error: the graph has a cycle through this node"},
    {"cycle of one", 17, X "a = Add x a; out a", "node 'a' (Add, opset 17): error: the graph has a cycle"},
    {"value defined twice", 17, X "y = Relu x; y = Abs x; out y",
     "node 'y' (Abs, opset 17): error: value 'y' is defined twice"},
    {"input defined by a node", 17, X "x = Relu x; out x", "value 'x' is defined twice"},
    {"two inputs of one name", 17, X X "y = Relu x; out y", "'x': error: value 'x' is defined twice"},
    {"two initializers of one name", 17, X "init w:f32[1]=1; init w:f32[1]=2; y = Relu x; out y",
     "'w': error: two initializers have this name"},
    {"initializer defined by a node", 17, X "init w:f32[1]=1; w = Relu x; out w", "value 'w' is defined twice"},
    {"constant and initializer", 17, X "init w:f32[1]=1; w = Constant {value_float=1.0}; y = Relu x; out y",
     "node 'w' (Constant, opset 17): error: value 'w' is defined twice"},
    {"two outputs of one name", 17, X "y = Relu x; out y; out y", "'y': error: two outputs have this name"},
    {"output that nobody makes", 17, X "y = Relu x; out z", "'z': error: output is computed nowhere"},
    {"operand that nobody makes", 17, X "y = Add x q; out y",
     "node 'y' (Add, opset 17): error: input 'q' is defined nowhere"},
    {"negative dim", 17, "in x:f32[2,-3]; y = Relu x; out y", "'x': error: input has negative dim -3"},
    {"rank too high", 17, "in x:f32[1,1,1,1,1,1,1,1,1]; y = Relu x; out y", "'x': error: input has rank 9, at most 8"},
    {"too many elements", 17, "in x:f32[99999999,99999999,99999999]; y = Relu x; out y",
     "'x': error: input is too large"},
    {"input of an unknown type", 17, "in x:#8[2]; y = Relu x; out y",
     "'x': error: input has data type string, which is not supported"},
    {"input of a newer type", 17, "in x:#77[2]; y = Relu x; out y", "data type 77"},
    {"input without a type", 17, "in x; y = Relu x; out y",
     "'x': error: input is a value without a type, not a tensor"},
    {"declared rank", 17, X "y = Relu x; out y:f32[2,3,1]",
     "'y': error: output is declared with rank 3 but computed with rank 2"},
    {"declared dim", 17, X "y = Relu x; out y:f32[2,4]",
     "'y': error: output is declared with dim 1 = 4 but computed with 3"},
    {"declared type", 17, X "y = Relu x; out y:i64[2,3]", "'y': error: output is declared as i64 but computed as f32"},
    {"value_info's dim", 17, X "v = Relu x; y = Abs v; out y; info v:f32[2,99]",
     "node 'v' (Relu, opset 17): error: output 'v' is declared with dim 1 = 99 but computed with 3"},
    {"value_info's rank", 17, X "v = Relu x; y = Abs v; out y; info v:f32[2,3,1]",
     "output 'v' is declared with rank 3 but computed with rank 2"},
    {"value_info's type", 17, X "v = Relu x; y = Abs v; out y; info v:i64[2,3]",
     "output 'v' is declared as i64 but computed as f32"},
    {"value_info of a second output", 17, X "v w = Split x {axis=0}; y = Abs w; out y; info w:f32[2,3]",
     "output 'w' is declared with dim 0 = 2 but computed with 1"},
    {"too many symbols", 17, "in x:f32[a,b,c,d,e,f,g,h]; in z:f32[i,j,k,l,m,n,o,p]; in w:f32[q]; y = Relu x; out y",
     "'w': error: dim 'q': more than 16 symbolic dims"},
    {"tensor of an unknown type", 17, X "init w:#17[2]; y = Add x w; out y",
     "'w': error: data type float8e4m3fn is not supported"},
    {"tensor with a negative dim", 17, X "init w:f32[-2]; y = Add x w; out y",
     "'w': error: tensor has negative dim -2"},
    {"tensor that is too large", 17, X "init w:f32[9999999,9999999,9999999]; y = Add x w; out y",
     "'w': error: tensor is too large"},
    {"tensor that claims gigabytes", 17, X "init w:f32[2000000,2000]; y = Add x w; out y",
     "'w': error: tensor has 0 bytes of data, its dims and type f32 ask for 16000000000"},
};

static const Case node_cases[] = {
    {"everything in one run", 17,
     X "in s:f32[1,3,4,4]; a = Foo x; b = com.microsoft.FusedMatMul x x; c = Cast x {to=8}; d = Relu s {slope=2}; e = "
       "Celu x; "
       "f = Relu a; out f",
     "node 'a' (Foo, opset 17): error: operator is not supported|"
     "node 'b' (com.microsoft.FusedMatMul): error: operator of domain 'com.microsoft' is not supported|"
     "node 'c' (Cast, opset 17): error: data type string is not supported|"
     "node 'd' (Relu, opset 17): error: attribute 'slope' is not supported"},
    {"opset too new", 99, X "y = Relu x; z = Abs y; out z",
     "node 'y' (Relu, opset 99): error: operator is not supported in opset 99, only in 6 to 28|node 'z' (Abs, opset "
     "99)"},
    {"opset too old", 6, X "y = Add x x; out y",
     "node 'y' (Add, opset 6): error: operator is not supported in opset 6, only in 7 to 28"},
    {"operator newer than the opset", 16, X "init w:f32[3]=1; y = LayerNormalization x w; out y",
     "operator is not supported in opset 16, only in 17 to 28"},
    {"operand missing", 17, X "y = Add x; out y", "node 'y' (Add, opset 17): error: input 2 is missing"},
    {"operand left out", 17, X "y = Add _ x; out y", "input 1 is missing"},
    {"too many operands", 17, X "y = Relu x x; out y", "has 2 inputs, at most 1 are allowed"},
    {"too many results", 17, X "y z = Relu x; out y", "has 2 outputs, at most 1 are supported"},
    {"attribute of another type", 17, X "y = Softmax x {axis=1.5}; out y", "attribute 'axis' is FLOAT, not INT"},
    {"attribute given twice", 17, X "y = Softmax x {axis=1 axis=0}; out y", "attribute 'axis' is given twice"},
    {"attribute missing", 17, X "y = Concat x x; out y", "attribute 'axis' is missing"},
    {"attribute of a later opset", 12, X "y = Reshape x x {allowzero=1}; out y",
     "attribute 'allowzero' is not supported"},
    {"inference refuses", 17, X "in z:f32[5]; y = Add x z; out y", "node 'y' (Add, opset 17): error: "},
    {"types that differ", 17, X "in z:i64[3]; y = Add x z; out y", "node 'y' (Add, opset 17): error: "},
    {"result that is not computed", 17, X4 "y z = MaxPool x {kernel_shape=[2,2]}; w = Relu z; out w",
     "node 'w' (Relu, opset 17): error: input 'z' is output 1 of a MaxPool, which is not supported"},
    {"result that is not computed, as output", 17, X4 "y z = MaxPool x {kernel_shape=[2,2]}; out y; out z",
     "'z': error: output is output 1 of a MaxPool, which is not supported"},
    {"shape from data", 17, X "in s:i64[2]; y = Reshape x s; out y",
     "node 'y' (Reshape, opset 17): error: shape is computed from data: input 's' is not known"},
    {"shape of an unknown size", 17, X "in s:i64[N]; y = Reshape x s; out y", "input 's' has no fixed size"},
    {"shape of floats", 17, X "init s:f32[1]=6; y = Reshape x s; out y", "input 's' is f32, not an integer"},
    {"axis out of range", 17, X "y = Softmax x {axis=5}; out y", "axis 5 out of range for rank 2"},
    {"axis below range", 17, X "y = Softmax x {axis=-3}; out y", "axis -3 out of range for rank 2"},
    {"axis given twice", 17, X "y = ReduceMax x {axes=[0,-2]}; out y", "axis -2 is given twice"},
    {"reshape with two -1", 17, X "init s:i64[2]=-1; y = Reshape x s; out y", "the shape has more than one -1"},
    {"reshape to a negative dim", 17, X "init s:i64[2]=-2 3; y = Reshape x s; out y", "the shape has the dim -2"},
    {"reshape that copies no dim", 17, X "init s:i64[3]=2 3 0; y = Reshape x s; out y",
     "0 copies dim 2, which is not there"},
    {"reshape -1 that does not divide", 17, X "init s:i64[2]=4 -1; y = Reshape x s; out y",
     "the -1 in the shape cannot be worked out"},
    {"reshape to another size", 17, X "init s:i64[1]=7; y = Reshape x s; out y",
     "node 'y' (Reshape, opset 17): error: "},
    {"reshape to rank 9", 17, X "init s:i64[9]=1; y = Reshape x s; out y", "rank 9, at most 8"},
    {"flatten axis", 17, X "y = Flatten x {axis=3}; out y", "axis 3 out of range for rank 2"},
    {"flatten two symbols", 17, "in x:f32[N,M]; y = Flatten x {axis=0}; out y", "two symbolic dims are multiplied"},
    {"squeeze of a long axis", 17, X "init a:i64[1]=1; y = Squeeze x a; out y", "axis 1 has not the size 1"},
    {"unsqueeze to rank 9", 17, X "init a:i64[7]=0 1 2 3 4 5 6; y = Unsqueeze x a; out y", "rank 9, at most 8"},
    {"expand that does not fit", 17, X "init s:i64[2]=5 3; y = Expand x s; out y", "shapes do not broadcast"},
    {"expand to a negative dim", 17, X "init s:i64[2]=-1 3; y = Expand x s; out y", "the shape has the dim -1"},
    {"tile count", 17, X "init r:i64[1]=2; y = Tile x r; out y", "1 repeats for rank 2"},
    {"tile of two symbols", 17, "in x:f32[N]; s = Shape x; y = Tile x s; out y", "two symbolic dims are multiplied"},
    {"transpose", 17, X "y = Transpose x {perm=[0,0]}; out y", "perm is no permutation of 2 axes"},
    {"gather axis", 17, X "init i:i64[1]=0; y = Gather x i {axis=2}; out y", "axis 2 out of range for rank 2"},
    {"slice of a symbol", 17, "in x:f32[N]; init a:i64[1]=1; init b:i64[1]=2; y = Slice x a b; out y",
     "axis 0 is symbolic and can be taken whole only"},
    {"slice step 0", 17, X "init a:i64[1]=0; init s:i64[1]=0; y = Slice x a a a s; out y", "step 0"},
    {"slice axis twice", 17, X "init a:i64[2]=0; y = Slice x a a a; out y", "axis 0 is given twice"},
    {"slice lengths", 17, X "init a:i64[1]=0; init b:i64[2]=1; y = Slice x a b; out y",
     "starts, ends, axes and steps have different lengths"},
    {"split parts", 17, X "y z = Split x {axis=1}; out y", "3 elements cannot be split in 2 equal parts"},
    {"split sizes", 17, X "init s:i64[2]=1; y z = Split x s {axis=1}; out y", "the sizes do not add up to axis 1"},
    {"split sizes above", 17, X "init s:i64[2]=2; y z = Split x s {axis=1}; out y",
     "the sizes do not add up to axis 1"},
    {"split count", 17, X "init s:i64[3]=1; y z = Split x s {axis=1}; out y", "3 sizes for 2 outputs"},
    {"split num_outputs", 18, X "y z = Split x {axis=1 num_outputs=3}; out y", "num_outputs is 3 for 2 outputs"},
    {"split both", 18, X "init s:i64[2]=1 2; y z = Split x s {axis=1 num_outputs=2}; out y",
     "both split and num_outputs are given"},
    {"split of a symbol", 17, "in x:f32[N]; y z = Split x; out y", "a symbolic axis cannot be split"},
    {"pad count", 17, X "init p:i64[3]=1; y = Pad x p; out y", "3 pads for 2 axes"},
    {"pad mode", 17, X "init p:i64[4]=1; y = Pad x p {mode=magic}; out y", "mode 'magic' is not supported"},
    {"pad wrap before 19", 17, X "init p:i64[4]=1; y = Pad x p {mode=wrap}; out y", "mode 'wrap' is not supported"},
    {"pad value from data", 17, X "in v:f32[]; init p:i64[4]=1; y = Pad x p v; out y",
     "input 'v' must be a constant of one element"},
    {"pad axis twice", 18, X "init p:i64[4]=1; init a:i64[2]=1; y = Pad x p _ a; out y", "axis 1 is given twice"},
    {"blocksize", 17, X4 "y = DepthToSpace x {blocksize=3}; out y", "blocksize 3 does not divide the channels"},
    {"blocksize 0", 17, X4 "y = SpaceToDepth x {blocksize=0}; out y", "blocksize 0"},
    {"blocks of space", 17, X4 "y = SpaceToDepth x {blocksize=4}; out y",
     "blocksize 4 does not divide height and width"},
    {"blocks of rank 2", 17, X "y = SpaceToDepth x {blocksize=1}; out y", "input has rank 2, not 4"},
    {"depth mode", 17, X4 "y = DepthToSpace x {blocksize=2 mode=XYZ}; out y", "mode 'XYZ' is not supported"},
    {"resize coordinates", 13,
     X4 "init z:i64[4]=1 4 3 3; y = Resize x _ _ z {coordinate_transformation_mode=odd}; out y",
     "coordinate_transformation_mode 'odd' is not supported"},
    {"resize rounding", 13, X4 "init z:i64[4]=1 4 3 3; y = Resize x _ _ z {nearest_mode=odd}; out y",
     "nearest_mode 'odd' is not supported"},
    {"resize mode", 13, X4 "init z:i64[4]=1 4 3 3; y = Resize x _ _ z {mode=odd}; out y",
     "mode 'odd' is not supported"},
    {"resize policy", 18, X4 "init z:i64[4]=1 4 3 3; y = Resize x _ _ z {keep_aspect_ratio_policy=odd}; out y",
     "keep_aspect_ratio_policy 'odd' is not supported"},
    {"resize filter too wide", 18,
     "in x:f32[5000]; init z:i64[1]=2; y = Resize x _ _ z {mode=linear antialias=1}; out y",
     "a scale of 0.0004 is not"},
    {"resize scales", 13, X4 "init s:f32[3]=2; y = Resize x _ s; out y", "3 scales for 4 axes"},
    {"resize sizes", 13, X4 "init z:i64[3]=2; y = Resize x _ _ z; out y", "3 sizes for 4 axes"},
    {"resize by a negative scale", 13, X4 "init s:f32[4]=1 1 -1 1; y = Resize x _ s; out y",
     "axis 2 cannot be scaled by -1"},
    {"resize to nothing", 13, X4 "init z:i64[4]=1 4 0 3; y = Resize x _ _ z; out y", "axis 2 has no fixed size"},
    {"resize of a symbol by a scale", 13, "in x:f32[N]; init s:f32[1]=2; y = Resize x _ s; out y",
     "axis 0 cannot be scaled by 2"},
    {"resize of a symbol to a size", 13, "in x:f32[N]; init z:i64[1]=2; y = Resize x _ _ z; out y",
     "axis 0 has no fixed size"},
    {"resize of a symbol by a policy", 18,
     "in x:f32[N]; z = Shape x; y = Resize x _ _ z {keep_aspect_ratio_policy=not_larger}; out y",
     "axis 0 has no fixed size"},
    {"resize scales from data", 13, X4 "in s:f32[4]; y = Resize x _ s; out y", "input 's' must be constant floats"},
    {"resize axes", 18, X "init z:i64[3]=2; y = Resize x _ _ z {axes=[0,1,0]}; out y", "3 axes for rank 2"},
    {"resize axis", 18, X "init z:i64[1]=2; y = Resize x _ _ z {axes=[2]}; out y", "axis 2 out of range for rank 2"},
    {"resize without sizes", 13, X4 "y = Resize x; out y", "input 4 is missing"},
    {"crop without a region", 13,
     X4 "init z:i64[4]=2; y = Resize x _ _ z {coordinate_transformation_mode=tf_crop_and_resize}; out y",
     "needs a region"},
    {"crop region", 13,
     X
     "init r:f32[3]=0; init z:i64[2]=2; y = Resize x r _ z {coordinate_transformation_mode=tf_crop_and_resize}; out y",
     "3 numbers of a region for 2 axes"},
    {"upsample scales", 9, X4 "init s:f32[3]=2; y = Upsample x s; out y", "3 scales for 4 axes"},
    {"resize of integers by weights", 13, "in x:i32[4]; init z:i64[1]=2; y = Resize x _ _ z {mode=linear}; out y",
     "operand 1 is i32[4], needs a float type"},
    {"scatter reduction", 16,
     X "init i:i64[1,1]=0; init u:f32[1,1]=0; y = ScatterElements x i u {reduction=div}; out y",
     "reduction 'div' is not supported"},
    {"scatter updates", 16, X "init i:i64[1,1]=0; init u:f32[1,2]=0; y = ScatterElements x i u; out y",
     "operand 3 is f32[1,2], needs f32[1,1]"},
    {"gather_nd batch_dims", 12, X "init i:i64[2,1]=0; y = GatherND x i {batch_dims=2}; out y",
     "batch_dims 2 of ranks 2 and 2"},
    {"gather_nd depth", 12, X "init i:i64[2,3]=0; y = GatherND x i; out y",
     "the last axis of the indices does not fit rank 2"},
    {"gather_nd of a symbol", 12, "in x:f32[2,N]; init i:i64[2,2]=0; y = GatherND x i; out y",
     "axis 1 must have a fixed size"},
    {"gather_nd of symbols", 12, "in x:f32[N,N]; init i:i64[2,2]=0; y = GatherND x i; out y", "must have fixed sizes"},
    {"scatter_nd of symbols", 16, "in x:f32[2,N,N]; init i:i64[1,1]=0; in u:f32[1,N,N]; y = ScatterND x i u; out y",
     "two symbolic dims are multiplied"},
    {"topk k", 11, X "init k:i64[2]=1; y i = TopK x k; out y", "k must be one number"},
    {"topk of too many", 11, X "init k:i64[1]=4; y i = TopK x k; out y", "k 4 of 3 elements"},
    {"topk k from data", 11, X "in k:i64[1]; y i = TopK x k; out y", "input 'k' is not known"},
    {"cumsum axis", 14, X "init a:i64[2]=0; y = CumSum x a; out y", "axis must be one number"},
    {"cumsum axis out of range", 14, X "init a:i64[]=2; y = CumSum x a; out y", "axis 2 out of range for rank 2"},
    {"one-hot depth", 11, "in x:i64[4]; init d:i64[]=0; init v:f32[2]=0 1; y = OneHot x d v; out y",
     "a depth of at least 1"},
    {"one-hot values", 11, "in x:i64[4]; init d:i64[]=3; init v:f32[3]=0; y = OneHot x d v; out y", "and two values"},
    {"one-hot rank", 11, "in x:i64[1,1,1,1,1,1,1,1]; init d:i64[]=3; init v:f32[2]=0 1; y = OneHot x d v; out y",
     "rank 9, at most 8 is supported"},
    {"quantize axis", 13, X "init s:f32[3]=1; y = QuantizeLinear x s {axis=2}; out y",
     "axis 2 out of range for rank 2"},
    {"quantize scales", 13, X "init s:f32[4]=1; y = QuantizeLinear x s; out y", "a scale does not fit axis 1"},
    {"quantize blocks", 21, X "init s:f32[2,2]=1; y = QuantizeLinear x s {block_size=1}; out y",
     "scales do not fit blocks of 1"},
    {"quantize to i32", 13, X "init s:f32[]=1; init z:i32[]=0; y = QuantizeLinear x s z; out y",
     "quantizing to i32 is not supported"},
    {"quantize to a newer type", 21, X "init s:f32[]=1; y = QuantizeLinear x s {output_dtype=17}; out y",
     "output_dtype 17 is not supported"},
    {"quantize precision", 23, X "init s:f32[]=1; y = QuantizeLinear x s {precision=1}; out y",
     "precision is not supported"},
    {"dequantize to a type", 23, "in x:u8[2]; init s:f32[]=1; y = DequantizeLinear x s {output_dtype=1}; out y",
     "output_dtype is not supported"},
    {"integer product of a vector", 10, "in a:u8[3]; init b:u8[3,2]=1; y = MatMulInteger a b; out y",
     "a vector as operand"},
    {"transposed conv of a symbol", 11, "in x:f32[1,1,N]; init w:f32[1,1,2]=1; y = ConvTranspose x w; out y",
     "axis 2 must have a fixed size"},
    {"transposed conv of four axes", 11,
     "in x:f32[1,1,2,2,2,2]; init w:f32[1,1,2,2,2,2]=1; y = ConvTranspose x w; out y",
     "4 spatial axes are not supported"},
    {"transposed conv rank", 11, X4 "init w:f32[4,1,2]=1; y = ConvTranspose x w; out y",
     "a weight of rank 3 on an input of rank 4"},
    {"transposed conv output_padding", 11,
     X4 "init w:f32[4,1,2,2]=1; y = ConvTranspose x w {output_padding=[1]}; out y", "output_padding has 1 entries"},
    {"transposed conv groups", 11, X4 "init w:f32[4,1,2,2]=1; y = ConvTranspose x w {group=3}; out y",
     "3 groups do not fit the weight and the input"},
    {"transposed conv channels", 11, X4 "init w:f32[3,1,2,2]=1; y = ConvTranspose x w; out y", "1 groups do not fit"},
    {"triangle of a symbol", 17, "in x:f32[N,3]; y = Trilu x; out y", "the last two axes must have a fixed size"},
    {"conv auto_pad", 17, X4 "init w:f32[4,4,3,3]=1; y = Conv x w {auto_pad=BEST}; out y",
     "auto_pad 'BEST' is not supported"},
    {"conv kernel_shape", 17, X4 "init w:f32[4,4,3,3]=1; y = Conv x w {kernel_shape=[5,5]}; out y",
     "kernel_shape contradicts the shape of the weight"},
    {"conv strides", 17, X4 "init w:f32[4,4,3,3]=1; y = Conv x w {strides=[2]}; out y",
     "attribute 'strides' has 1 entries, must have 2"},
    {"conv stride 0", 17, X4 "init w:f32[4,4,3,3]=1; y = Conv x w {strides=[0,1]}; out y",
     "attribute 'strides' has the entry 0"},
    {"conv rank", 17, X "init w:f32[4,4,3,3]=1; y = Conv x w; out y", "input has rank 2, at least 3 is needed"},
    {"conv rank of the weight", 17, X4 "init w:f32[4,4,3]=1; y = Conv x w; out y",
     "window of rank 1 on an input of rank 4"},
    {"conv same on a symbol", 17, "in x:f32[1,4,H,6]; init w:f32[4,4,3,3]=1; y = Conv x w {auto_pad=SAME_UPPER}; out y",
     "auto_pad needs a fixed size of axis 2; give a number: --dim H=NUMBER"},
    {"conv channels", 17, X4 "init w:f32[4,3,3,3]=1; y = Conv x w; out y", "node 'y' (Conv, opset 17): error: "},
    {"pool window", 17, X4 "y = MaxPool x {kernel_shape=[0,1]}; out y", "window size 0"},
    {"global pool rank", 17, X "y = GlobalAveragePool x; out y", "input has rank 2, at least 3 is needed"},
    {"if without a branch", 17, X "init c:bool[]=1; sub t -> v; v = Neg x; end; y = If c {then_branch=&t}; out y",
     "node 'y' (If, opset 17): error: attribute 'else_branch' is no graph"},
    {"if with a branch of another type", 17, X "init c:bool[]=1; y = If c {then_branch=3 else_branch=2}; out y",
     "attribute 'then_branch' is no graph|attribute 'else_branch' is no graph"},
    {"if without condition", 17, X "sub t -> v; v = Neg x; end; y = If {then_branch=&t else_branch=&t}; out y",
     "node 'y' (If, opset 17): error: has 0 inputs, not one condition"},
    {"if results", 17,
     X "init c:bool[]=1; sub t -> v x; v = Neg x; end; y = If c {then_branch=&t else_branch=&t}; out y",
     "has 1 outputs, its then_branch 2"},
    {"if of a number", 17,
     X "init c:i64[]=1; sub t -> v; v = Neg x; end; y = If c {then_branch=&t else_branch=&t}; out y",
     "the condition is i64[], not one bool"},
    {"if of two", 17, X "init c:bool[2]=1; sub t -> v; v = Neg x; end; y = If c {then_branch=&t else_branch=&t}; out y",
     "the condition is bool[2], not one bool"},
    {"if of data with two types", 17,
     X "in c:bool[]; sub t -> v; v = Neg x; end; sub e -> v; v = ReduceSum x; end; "
       "y = If c {then_branch=&t else_branch=&e}; out y",
     "its condition is computed from data, but the branches make f32[2,3] and f32[1,1]"},
    {"if's taken branch", 17,
     X "init c:bool[]=1; sub t -> v; v = Foo x; end; y = If c {then_branch=&t else_branch=&t}; out y",
     "node 'y/then_branch/v' (Foo, opset 17): error: operator is not supported"},
    {"if's branch of data", 17,
     X "in c:bool[]; sub t -> v; v = Neg x; end; sub e -> v; v = Foo x; end; "
       "y = If c {then_branch=&t else_branch=&e}; out y",
     "node 'y/else_branch/v' (Foo, opset 17): error: operator is not supported"},
    {"two initializers of a branch", 17,
     X "init c:bool[]=1; sub t -> v; init k:f32[]=1; init k:f32[]=2; v = Mul x k; end; "
       "y = If c {then_branch=&t else_branch=&t}; out y",
     "'y/then_branch/k': error: two initializers have this name"},
    {"nameless initializer of a branch", 17,
     X "init c:bool[]=1; sub t -> v; init :f32[]=1; v = Neg x; end; y = If c {then_branch=&t else_branch=&t}; out y",
     "initializer 1 of y/then_branch/ has no name|initializer 1 of y/else_branch/ has no name"},
    {"node of a branch with an initializer's name", 17,
     X "init c:bool[]=1; sub t -> v; init v:f32[]=1; v = Neg x; end; y = If c {then_branch=&t else_branch=&t}; out y",
     "value 'y/then_branch/v' is defined twice"},
    {"value of a branch outside", 17,
     X "init c:bool[]=1; sub t -> v; v = Neg x; end; y = If c {then_branch=&t else_branch=&t}; z = Abs v; out z",
     "input 'v' is defined nowhere"},
    {"if that needs itself", 17,
     X "init c:bool[]=1; sub t -> v; v = Neg y; end; y = If c {then_branch=&t else_branch=&t}; out y",
     "the graph has a cycle"},
    {"loop", 17, X "init n:i64[]=2; init c:bool[]=1; sub b -> v; v = Neg x; end; y = Loop n c {body=&b}; out y",
     "node 'y' (Loop, opset 17): error: operator is not supported"},
    {"einsum syntax", 17, X "y = Einsum x {equation=i!->i}; out y",
     "equation 'i!->i' is not understood from '!->i' on"},
    {"einsum dots twice", 17, X "y = Einsum x {equation=...i...}; out y", "is not understood from '...' on"},
    {"einsum arrow", 17, X "y = Einsum x {equation=ij-i}; out y", "is not understood from '-i' on"},
    {"einsum second result", 17, X "y = Einsum x {equation=ij->i,j}; out y", "is not understood from ',j' on"},
    {"einsum rank", 17, X "y = Einsum x {equation=ijk->i}; out y", "has 3 labels for input 1 of rank 2"},
    {"einsum rank with dots", 17, X "y = Einsum x {equation=...ijk->i}; out y",
     "is not understood from '...ijk->i' on"},
    {"einsum operands", 17, X "y = Einsum x x {equation=ij->i}; out y", "has 1 operands, the node 2"},
    {"einsum operands left", 17, X "y = Einsum x {equation=ij,jk->ik}; out y", "is not understood from ',jk->ik' on"},
    {"einsum result unknown", 17, X "y = Einsum x {equation=ij->ik}; out y",
     "each label of the result must be an operand's"},
    {"einsum result twice", 17, X "y = Einsum x {equation=ij->ii}; out y", "and stand once"},
    {"einsum sizes", 17, X "y = Einsum x x {equation=ij,jk->ik}; out y",
     "a label is 3 in one operand and 2 in another"},
    {"einsum diagonal", 17, X "y = Einsum x {equation=ii->i}; out y",
     "the diagonal of two axes whose sizes are not one"},
    {"einsum axes", 17, "in x:f32[1,1,1,1,1]; y = Einsum x x {equation=abcde,fghij->abcdefghij}; out y",
     "makes more than 8 axes"},
    {"einsum symbolic product", 17, "in x:f32[2,N,M,3]; y = Einsum x x {equation=bnmk,bpqk->bnmpq}; out y",
     "no product of symbolic sizes"},
    {"einsum without equation", 17, X "y = Einsum x; out y", "attribute 'equation' is missing"},
    {"gemm rank", 17, X4 "init w:f32[2,2]=1; y = Gemm x w; out y", "operands must be matrices, have rank 4 and 2"},
    {"gemm bias", 17, X "init w:f32[3,2]=1; init b:f32[5,1]=1; y = Gemm x w b; out y",
     "input C does not broadcast to the result"},
    {"matmul scalar", 17, "in x:f32[]; y = MatMul x x; out y", "a scalar operand"},
    {"batchnorm training", 17, X4 "init c:f32[4]=1; y = BatchNormalization x c c c c {training_mode=1}; out y",
     "training_mode=1 is not supported"},
    {"batchnorm scale", 17, X4 "init c:f32[4,1]=1; y = BatchNormalization x c c c c; out y",
     "a per-channel operand has rank 2, not 1"},
    {"groupnorm", 21, X4 "init c:f32[4]=1; y = GroupNormalization x c c {num_groups=3}; out y",
     "num_groups=3 does not divide the channels"},
    {"instancenorm rank", 17, X "init c:f32[3]=1; y = InstanceNormalization x c c; out y",
     "input has rank 2, at least 3 is needed"},
    {"lpnorm", 17, X "y = LpNormalization x {p=3}; out y", "p=3 is not supported"},
    {"gelu", 20, X "y = Gelu x {approximate=fast}; out y", "approximate 'fast' is not supported"},
    {"prelu slope", 17, X "init s:f32[4,2,3]=1; y = PRelu x s; out y", "the slope does not broadcast to the input"},
    {"celu", 17, X "y = Celu x {alpha=-1.0}; out y", "alpha must be positive"},
    {"clip bound", 17, X "init b:f32[1,1]=1; y = Clip x b; out y", "bound 1 is no scalar"},
    {"dropout training", 17, X "init r:f32[]=0.5; init t:bool[]=1; y = Dropout x r t; out y",
     "training_mode is not supported"},
    {"constant without a value", 17, X "c = Constant; y = Add x c; out y",
     "node 'c' (Constant, opset 17): error: must have one output and one dense value"},
    {"constant of strings", 17, X "c = Constant {value_string=abc}; y = Add x c; out y",
     "attribute 'value_string' is not supported"},
    {"constant of a strange type", 17, X "c = Constant {value=#8[1]:1}; y = Add x c; out y",
     "node 'c' (Constant, opset 17): error: data type string is not supported"},
    {"filled with two", 17, "init s:i64[1]=3; y = ConstantOfShape s {value=f32[2]:1,2}; out y",
     "attribute 'value' must have one element"},
    {"filled to a negative size", 17, "init s:i64[1]=-3; y = ConstantOfShape s; out y", "the shape has the dim -3"},
    {"filled too large", 17, "init s:i64[3]=999999999; y = ConstantOfShape s; out y", "the tensor is too large"},
    {"range of data", 17, "in n:i64[]; init a:i64[]=0; init b:i64[]=1; y = Range a n b; out y",
     "shape is computed from data: input 'n' is not known"},
    {"range by 0", 17, "init a:f32[]=0; init b:f32[]=1; y = Range a b a; out y", "range from 0 to 1 by 0"},
};

static void run(const Case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    TEST(cases[i].name);
    refused(cases[i].opset, cases[i].model, cases[i].parts);
  }
}

/* What is wrong with a node is said once. */
static void test_once(void) {
  TEST("one line for equal pads");
  Context *c = context_new();
  CHECK(!import_text(c, 17, X4 "init w:f32[4,4,3,3]=1; y = Conv x w {pads=[-1,-1,-1,-1]}; out y"));
  CHECK_STR(diag_text(c), arena_printf(c->arena,
                                       "%s/model.onnx: node 'y' (Conv, opset 17): error: attribute 'pads' "
                                       "has the entry -1\n",
                                       test_folder));
  CHECK(c->errors == 1);
  TEST("an error after the errors were taken away counts again");
  c->errors = 0;
  error_in(c, "m", "a");
  CHECK(c->errors == 1 && c->count == 2);
  c->errors = 0;
  error_in(c, "m", "a");
  CHECK(c->errors == 1);
  TEST("a warning that repeats an error is said");
  const size_t count = c->count;
  diag(c, DIAG_WARNING, (Where){.file = "m"}, "a");
  CHECK(c->errors == 1 && c->count == count + 1);
  TEST("no more than 200 errors");
  for (int i = 0; i < 300; i++) error_in(c, "m", "%d", i);
  CHECK(c->errors == 301);
  CHECK_STR(c->list[c->count - 1].text, "nextc: error: 102 more errors");
  context_free(c);
}

/* Nodes that depend on a failed one are not reported. */
static void test_silence(void) {
  TEST("silence after the first fault");
  Context *c = context_new();
  CHECK(!import_text(c, 17, X "a = Foo x; b = Relu a; d = Softmax b {axis=9}; out d"));
  CHECK(c->errors == 1);
  context_free(c);
}

static void test_missing_parts(void) {
  Model *m = model_new(17, X "y = Relu x; out y");
  Context *c = context_new();
  TEST("no ir_version");
  m->proto.has_ir_version = 0;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "model.onnx: error: has no ir_version");
  TEST("no graph");
  m->proto.has_ir_version = 1;
  m->proto.graph = NULL;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "model.onnx: error: has no graph");
  TEST("sparse initializer");
  Onnx__SparseTensorProto sparse, *list[] = {&sparse};
  onnx__sparse_tensor_proto__init(&sparse);
  m->proto.graph = &m->graph;
  m->graph.sparse_initializer = list;
  m->graph.n_sparse_initializer = 1;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "sparse_initializer is not supported");
  TEST("initializer without a name");
  m->graph.n_sparse_initializer = 0;
  Onnx__TensorProto t, *tensors[] = {&t};
  onnx__tensor_proto__init(&t);
  m->graph.initializer = tensors;
  m->graph.n_initializer = 1;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "initializer 1 has no name");
  TEST("input without a shape");
  m->graph.n_initializer = 0;
  m->graph.input[0]->type->tensor_type->shape = NULL;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'x': error: input has no shape");
  TEST("input without a name");
  m->graph.input[0]->name = NULL;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "input 1 has no name");
  TEST("input that is a sequence");
  Onnx__TypeProto__Sequence sequence;
  onnx__type_proto__sequence__init(&sequence);
  m->graph.input[0]->name = arena_strdup(m->arena, "x");
  m->graph.input[0]->type->value_case = ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE;
  m->graph.input[0]->type->sequence_type = &sequence;
  CHECK(!load_onnx(c, model_write(m, "model.onnx"), NULL, 0));
  CHECK_HAS(diag_text(c), "'x': error: input is a sequence, not a tensor");
  context_free(c);
  model_free(m);
}

int main(void) {
  run(model_cases, sizeof model_cases / sizeof *model_cases);
  run(node_cases, sizeof node_cases / sizeof *node_cases);
  test_once();
  test_silence();
  test_missing_parts();
  REMOVE_TEST_FILES("model.onnx");
  return test_result();
}
