/* Shape inference: a wanted type for what is right, a part of the text for each thing that can be wrong. */
#include "tests/op_kit.h"

static const OpCase leaves[] = {
    {"neg", "f32[2]{1,2,3}", "", "!3 elements for f32[2], needs 2 or 1"},
    {"neg", "i8[2]{1,200}", "", "!element 200 does not fit i8"},
    {"not", "bool[1]{2}", "", "!element 2 does not fit bool"},
    {"neg", "u16[1]{-1}", "", "!element -1 does not fit u16"},
    {"neg", "i64[3]{7}", "", "i64[3]"},
    {"neg", "f32[0]{1}", "", "f32[0]"},
    {"neg", "f32[1000000,1000000,1000000]", "", "!too large"},
    {"neg", "f32[-1]", "", "!negative dim -1"},
};

static const OpCase pointwise[] = {
    {"neg", "f32[2,N]", "", "f32[2,N]"},
    {"neg", "bool[2]", "", "!operand 1 is bool[2], needs numbers"},
    {"relu", "i32[]", "", "i32[]"},
    {"sqrt", "f16[3]", "", "f16[3]"},
    {"sqrt", "i64[3]", "", "!operand 1 is i64[3], needs a float type"},
    {"gelu", "bf16[3]", "mode=tanh", "bf16[3]"},
    {"gelu", "f32[3]", "mode=quick", "!mode 'quick' is not one of: tanh"},
    {"gelu", "f32[3]", "mode=tan", "!mode 'tan'"},
    {"not", "bool[2]", "", "bool[2]"},
    {"not", "i64[2]", "", "!operand 1 is i64[2], needs bool"},
    {"is_nan", "f64[2]", "", "bool[2]"},
    {"is_nan", "i64[2]", "", "!needs a float type"},
    {"cast", "f32[2]", "to=i64", "i64[2]"},
    {"cast", "f32[2]", "", "!needs the attribute 'to'"},
    {"cast", "f32[2]", "to=float", "!unknown data type 'float'"},
    {"add", "f32[2,1,3] f32[4,1]", "", "f32[2,4,3]"},
    {"add", "f32[N,3] f32[1,3]", "", "f32[N,3]"},
    {"add", "f32[N,3] f32[N,1]", "", "f32[N,3]"},
    {"add", "f32[N] f32[M]", "", "!f32[N] and f32[M] do not broadcast"},
    {"add", "f32[2*N] f32[N]", "", "!f32[2*N] and f32[N] do not broadcast"},
    {"add", "f32[2] f32[3]", "", "!f32[2] and f32[3] do not broadcast"},
    {"add", "f32[2] f64[2]", "", "!operand 2 is f64[2], operand 1 is f32[2]: data types differ"},
    {"add", "bool[2] bool[2]", "", "!needs numbers"},
    {"add", "f32[2]", "", "!takes 2 to 2"},
    {"mod", "i32[2] i32[2]", "mode=fmod", "i32[2]"},
    {"mod", "i32[2] i32[2]", "mode=python", "!mode 'python'"},
    {"less", "f32[2] f32[2]", "", "bool[2]"},
    {"equal", "bool[2] bool[2]", "", "bool[2]"},
    {"equal", "i64[2] i32[2]", "", "!data types differ"},
    {"and", "bool[2] bool[3,1]", "", "bool[3,2]"},
    {"and", "bool[2] i64[2]", "", "!operand 2 is i64[2], needs bool"},
    {"and", "bool[2] bool[3]", "", "!do not broadcast"},
    {"where", "bool[2,1] f32[3] f32[]", "", "f32[2,3]"},
    {"where", "i64[2] f32[2] f32[2]", "", "!operand 1 is i64[2], needs bool"},
    {"where", "bool[2] f32[2] f64[2]", "", "!operand 3 is f64[2], operand 2 is f32[2]"},
    {"where", "bool[2] f32[3] f32[4]", "", "!f32[3] and f32[4] do not broadcast"},
    {"where", "bool[2] f32[3] f32[3]", "", "!bool[2] and f32[3] do not broadcast"},
};

static const OpCase axes[] = {
    {"reduce_sum", "f32[2,3,4]", "axes=[0,2]", "f32[3]"},
    {"reduce_sum", "f32[2,3,4]", "axes=[0,2] keepdims=1", "f32[1,3,1]"},
    {"reduce_mean", "f32[N,3]", "axes=[1]", "f32[N]"},
    {"reduce_max", "i64[2,3]", "", "i64[2,3]"},
    {"reduce_max", "f32[0,3]", "axes=[0]", "f32[3]"},
    {"reduce_sum", "f32[2,3,4,5]", "axes=[5]", "!axis 5 out of range for rank 4"},
    {"reduce_sum", "f32[2,3]", "axes=[-1]", "!axis -1 out of range for rank 2"},
    {"reduce_sum", "f32[2,3]", "axes=[1,0]", "!axes 1, 0 are not ascending"},
    {"reduce_sum", "f32[2,3]", "axes=[1,1]", "!axes 1, 1 are not ascending"},
    {"reduce_sum", "f32[2,3]", "axes=[1] keepdims=2", "!keepdims is 2, needs 0 or 1"},
    {"reduce_sum", "bool[2,3]", "axes=[1]", "!needs numbers"},
    {"argmax", "f32[2,3]", "axis=1", "i64[2]"},
    {"argmax", "f32[2,3]", "axis=1 keepdims=1 largest=0 mode=last", "i64[2,1]"},
    {"argmax", "f32[2,3]", "axis=2", "!axis 2 out of range for rank 2"},
    {"argmax", "f32[2,3]", "axis=1 largest=3", "!largest is 3"},
    {"argmax", "f32[2,3]", "axis=1 mode=first", "!mode 'first'"},
    {"argmax", "f32[2,3]", "axis=1 keepdims=7", "!keepdims is 7"},
    {"argmax", "f32[2,0]", "axis=1", "!axis 1 of f32[2,0] is empty"},
    {"softmax", "f32[2,3]", "axis=1 mode=log", "f32[2,3]"},
    {"softmax", "f32[2,3]", "axis=2", "!axis 2 out of range"},
    {"softmax", "f32[2,3]", "axis=1 mode=exp", "!mode 'exp'"},
    {"softmax", "i64[2,3]", "axis=1", "!needs a float type"},
    {"softmax", "f32[]", "", "!axis 0 out of range for rank 0"},
    {"layernorm", "f32[N,7,7,16] f32[16] f32[16]", "axes=[3]", "f32[N,7,7,16]"},
    {"layernorm", "f32[2,3,4] f32[3,4] _", "axes=[1,2]", "f32[2,3,4]"},
    {"layernorm", "f32[2,3,4] _ f32[4]", "axes=[2]", "f32[2,3,4]"},
    {"layernorm", "f32[2,16] f32[7]", "axes=[1]", "!operand 2 is f32[7], needs f32[16]"},
    {"layernorm", "f32[2,16] f32[16] f32[1]", "axes=[1]", "!operand 3 is f32[1], needs f32[16]"},
    {"layernorm", "f32[2,16] f64[16]", "axes=[1]", "!operand 2 is f64[16], needs f32[16]"},
    {"layernorm", "f32[2,16]", "", "!needs axes"},
    {"layernorm", "f32[2,16]", "axes=[2]", "!axis 2 out of range"},
    {"layernorm", "f32[2,16]", "axes=[1] eps=-1", "!eps -1 is not in"},
    {"layernorm", "f32[2,16]", "axes=[1] eps=nan", "!eps nan is not in"},
    {"layernorm", "i32[2,16]", "axes=[1]", "!needs a float type"},
    {"grn", "f32[1,7,7,16] f32[16] f32[16]", "axis=3 axes=[1,2]", "f32[1,7,7,16]"},
    {"grn", "f32[1,7,7,16]", "axis=3 axes=[1,2]", "f32[1,7,7,16]"},
    {"grn", "f32[1,7,7,16] f32[7]", "axis=3 axes=[1,2]", "!operand 2 is f32[7], needs f32[16]"},
    {"grn", "f32[1,7,7,16] _ f32[7]", "axis=3 axes=[1,2]", "!operand 3 is f32[7], needs f32[16]"},
    {"grn", "f32[1,7,7,16]", "axis=3 axes=[2,3]", "!axis 3 is also one of axes"},
    {"grn", "i32[1,7,7,16]", "axis=3 axes=[1,2]", "!needs a float type"},
    {"grn", "f32[1,7,7,16]", "axis=3 axes=[1,2] eps=-1", "!eps -1"},
    {"grn", "f32[1,7,7,16]", "axis=3", "!needs axes"},
    {"grn", "f32[1,7,7,16]", "axis=4 axes=[1,2]", "!axis 4 out of range"},
    {"grn", "f32[1,7,7,16]", "axis=3 axes=[2,1]", "!axes 2, 1"},
};

static const OpCase layout[] = {
    {"reshape", "f32[2,3,4]", "shape=[6,4]", "f32[6,4]"},
    {"reshape", "f32[N,3,4]", "shape=[N,12]", "f32[N,12]"},
    {"reshape", "f32[N,3,4]", "shape=[12*N]", "f32[12*N]"},
    {"reshape", "f32[N,M]", "shape=[M,N]", "f32[M,N]"},
    {"reshape", "f32[]", "shape=[1,1]", "f32[1,1]"},
    {"reshape", "f32[0,3]", "shape=[0]", "f32[0]"},
    {"reshape", "f32[2,3]", "shape=[7]", "!f32[2,3] does not have as many elements as f32[7]"},
    {"reshape", "f32[N,3]", "shape=[6]", "!f32[N,3] does not have as many elements as f32[6]"},
    {"reshape", "f32[N,N]", "shape=[N]", "!does not have as many"},
    {"reshape", "f32[2]", "shape=[-1]", "!negative dim -1"},
    {"reshape", "f32[1]", "shape=[1,1,1,1,1,1,1,1,1]", "!rank 9, the limit is 8"},
    {"transpose", "f32[2,N,4]", "perm=[2,0,1]", "f32[4,2,N]"},
    {"transpose", "f32[]", "", "f32[]"},
    {"transpose", "f32[2,3]", "perm=[0]", "!perm has 1 entries for rank 2"},
    {"transpose", "f32[2,3]", "perm=[0,0]", "!perm has axis 0 twice"},
    {"transpose", "f32[2,3]", "perm=[0,2]", "!axis 2 out of range for rank 2"},
    {"expand", "f32[3,1]", "shape=[2,3,N]", "f32[2,3,N]"},
    {"expand", "f32[1]", "shape=[-1]", "!negative dim -1"},
    {"expand", "f32[3]", "shape=[2]", "!f32[3] does not broadcast to f32[2]"},
    {"expand", "f32[3]", "shape=[1]", "!f32[3] does not broadcast to f32[1]"},
    {"expand", "f32[3,3]", "shape=[3]", "!does not broadcast"},
    {"expand", "f32[1]", "shape=[1000000,1000000,1000000]", "!too large"},
    {"concat", "f32[2,3] f32[2,4] f32[2,0]", "axis=1", "f32[2,7]"},
    {"concat", "f32[N,3] f32[2*N,3]", "axis=0", "f32[3*N,3]"},
    {"concat", "f32[2]", "", "f32[2]"},
    {"concat", "f32[N,3] f32[1,3]", "axis=0", "!dim N + 1 along axis 0 is no single term"},
    {"concat", "f32[2,3] f32[3,3]", "axis=1", "!operand 2 is f32[3,3], does not fit f32[2,3] along axis 1"},
    {"concat", "f32[2,3] f32[2]", "axis=1", "!does not fit"},
    {"concat", "f32[2,3] f64[2,3]", "axis=1", "!does not fit"},
    {"concat", "f32[2,3]", "axis=2", "!axis 2 out of range"},
    {"concat", "f32[2] _", "", "!operand"},
    {"slice", "f32[10,N]", "starts=[9,0] steps=[-3,1] shape=[4,N]", "f32[4,N]"},
    {"slice", "f32[10]", "starts=[1] steps=[3] shape=[3]", "f32[3]"},
    {"slice", "f32[10]", "starts=[99] steps=[3] shape=[0]", "f32[0]"},
    {"slice", "f32[N]", "starts=[0] steps=[1] shape=[1]", "f32[1]"},
    {"slice", "f32[4*N]", "starts=[1] steps=[2] shape=[2*N]", "f32[2*N]"},
    {"slice", "f32[4*N]", "starts=[2] steps=[2] shape=[2*N]", "!2*N elements from 2 by 2 leave axis 0 of f32[4*N]"},
    {"slice", "f32[N]", "starts=[0] steps=[1] shape=[2]", "!2 elements from 0 by 1 leave axis 0 of f32[N]"},
    {"slice", "f32[N]", "starts=[0] steps=[1] shape=[M]", "!leave axis 0"},
    {"slice", "f32[N]", "starts=[0] steps=[-1] shape=[N]", "!leave axis 0"},
    {"slice", "f32[10]", "starts=[1] steps=[3] shape=[4]", "!4 elements from 1 by 3 leave axis 0 of f32[10]"},
    {"slice", "f32[10]", "starts=[2] steps=[-1] shape=[4]", "!leave axis 0"},
    {"slice", "f32[10]", "starts=[10] steps=[1] shape=[1]", "!leave axis 0"},
    {"slice", "f32[10]", "starts=[-1] steps=[1] shape=[1]", "!leave axis 0"},
    {"slice", "f32[10]", "starts=[0] steps=[9223372036854775807] shape=[2]", "!leave axis 0"},
    {"slice", "f32[10]", "starts=[0] steps=[0] shape=[1]", "!step of axis 0 is 0"},
    {"slice", "f32[10]", "starts=[N] steps=[1] shape=[1]", "!must be numbers"},
    {"slice", "f32[10,2]", "starts=[0] steps=[1] shape=[1]", "!one start, step and dim for each of 2 axes"},
    {"pad", "f32[2,3]", "pads=[0,1,2,-1]", "f32[4,3]"},
    {"pad", "f32[N,3]", "pads=[0,1,0,1] mode=reflect", "f32[N,5]"},
    {"pad", "f32[2,3]", "pads=[0,1]", "!pads has 2 entries for rank 2"},
    {"pad", "f32[2]", "pads=[-3,1]", "!remove more than dim 2"},
    {"pad", "f32[2]", "pads=[-1,-2]", "!result dim 0 would be -1"},
    {"pad", "f32[N]", "pads=[1,0]", "!dim N padded by 1 and 0 is no single term"},
    {"pad", "f32[N]", "pads=[1,-1]", "!dim N cannot be padded"},
    {"pad", "f32[0]", "pads=[1,0] mode=edge", "!axis 0 is empty, mode edge"},
    {"pad", "f32[2]", "pads=[N,0]", "!pads must be numbers"},
    {"pad", "f32[2]", "pads=[0,0] mode=mirror", "!mode 'mirror'"},
    {"tile", "f32[2,N]", "shape=[6,N]", "f32[6,N]"},
    {"tile", "f32[1]", "shape=[N]", "f32[N]"},
    {"tile", "f32[2]", "shape=[-2]", "!negative dim -2"},
    {"slice", "f32[2]", "starts=[0] steps=[1] shape=[-2]", "!negative dim -2"},
    {"tile", "f32[2]", "shape=[5]", "!dim 5 is no multiple of 2"},
    {"tile", "f32[0]", "shape=[5]", "!dim 5 is no multiple of 0"},
    {"tile", "f32[2]", "shape=[2,2]", "!shape has 2 entries for rank 1"},
    {"pack", "f32[5,20]", "", "f32[2,5,16]"},
    {"pack", "f32[5,20]", "panel=8", "f32[3,5,8]"},
    {"pack", "f32[5]", "", "!operand 1 is f32[5], needs rank 2"},
    {"pack", "f32[5,N]", "", "!is not static"},
    {"pack", "f32[5,20]", "panel=0", "!panel 0 is not in 1 .. 4096"},
    {"pack", "f32[6,64]", "strassen=1", "f32[2,7,3,16]"},
    {"pack", "f32[6,8]", "panel=2 strassen=1", "f32[2,7,3,2]"},
    {"pack", "f32[5,64]", "strassen=1", "!strassen halves 5 rows and 64 columns in panels of 16"},
    {"pack", "f32[6,48]", "strassen=1", "!strassen halves 6 rows and 48 columns in panels of 16"},
    {"pack", "i32[6,64]", "strassen=1", "!needs a float type"},
    {"pack", "f32[6,64]", "strassen=2", "!strassen is 2, needs 0 or 1"},
};

static const OpCase indexed[] = {
    {"gather", "f32[5,N,7] i64[2,3]", "axis=1", "f32[5,2,3,7]"},
    {"gather", "f32[5] i64[]", "", "f32[]"},
    {"gather", "f32[5] i32[1]{-5}", "", "f32[1]"},
    {"gather", "f32[5] i64[2]{0,5}", "", "!index 5 out of range for dim 5"},
    {"gather", "f32[5] i64[1]{-6}", "", "!index -6 out of range for dim 5"},
    {"gather", "f32[5] f32[2]", "", "!operand 2 is f32[2], needs integers"},
    {"gather", "f32[5] bool[2]", "", "!needs integers"},
    {"gather", "f32[5] i64[2]", "axis=1", "!axis 1 out of range"},
    {"gather", "f32[0] i64[2]", "", "!axis 0 of f32[0] is empty"},
    {"gather", "f32[0] i64[0]", "", "f32[0]"},
    {"gather", "f32[1,1,1,1,1] i64[1,1,1,1,1]", "", "!rank 9, the limit is 8"},
    {"gather_elements", "f32[N,5] i64[N,3]", "axis=1", "f32[N,3]"},
    {"gather_elements", "f32[4,5] i32[2,5]", "axis=1", "f32[2,5]"},
    {"gather_elements", "f32[4,5] i64[2,5]", "axis=2", "!axis 2 out of range"},
    {"gather_elements", "f32[4,5] i64[5,5]", "axis=1", "!index i64[5,5] does not fit f32[4,5] along axis 1"},
    {"gather_elements", "f32[4,5] i64[4]", "axis=1", "!does not fit"},
    {"gather_elements", "f32[4,5] f32[4,5]", "axis=1", "!operand 2 is f32[4,5], needs integers"},
    {"gather_elements", "f32[4,0] i64[4,2]", "axis=1", "!axis 1 of f32[4,0] is empty"},
    {"gather_elements", "f32[4,0] i64[4,0]", "axis=1", "f32[4,0]"},
    {"gather_elements", "f32[4] i64[2]{0,4}", "", "!index 4 out of range for dim 4"},
    {"scatter_elements", "f32[4,5] i64[2,3] f32[2,3]", "axis=1 mode=add", "f32[4,5]"},
    {"scatter_elements", "f32[4,5] i64[2,3] f32[2,4]", "axis=1", "!operand 3 is f32[2,4], needs f32[2,3]"},
    {"scatter_elements", "f32[4,5] i64[2,3] f64[2,3]", "axis=1", "!operand 3 is f64[2,3], needs f32[2,3]"},
    {"scatter_elements", "f32[4,5] i64[2,3] f32[2,3]", "axis=1 mode=div", "!mode 'div' is not one of: add mul min max"},
    {"scatter_elements", "bool[4] i64[2] bool[2]", "", "bool[4]"},
    {"scatter_elements", "bool[4] i64[2] bool[2]", "mode=add", "!operand 1 is bool[4], mode needs numbers"},
    {"topk", "f32[N,5]", "axis=1 k=3", "i64[N,3]"},
    {"topk", "f32[5,N]", "axis=1 k=3", "!axis 1 of f32[5,N] has no fixed size"},
    {"topk", "f32[5]", "k=6", "!k 6 of 5 elements"},
    {"topk", "f32[5]", "k=-1", "!k -1 of 5 elements"},
    {"topk", "f32[5]", "axis=1 k=1", "!axis 1 out of range"},
    {"topk", "f32[5]", "k=1 largest=2", "!largest is 2, needs 0 or 1"},
    {"cumsum", "i8[N,5]", "axis=1", "i8[N,5]"},
    {"cumsum", "bool[5]", "", "!operand 1 is bool[5], needs numbers"},
    {"cumsum", "f32[5]", "axis=-1", "!axis -1 out of range"},
    {"cumsum", "f32[5]", "exclusive=2", "!exclusive is 2"},
    {"cumsum", "f32[5]", "reverse=2", "!reverse is 2"},
    {"resize", "f32[N,5,3] i64[7,2] f32[7,2]", "axis=1", "f32[N,7,3]"},
    {"resize", "i32[5] i64[7,2] i32[7,2]", "", "!operand 1 is i32[5], needs a float type"},
    {"resize", "f32[5] i64[7] f32[7]", "", "!operand 2 is i64[7], needs rank 2"},
    {"resize", "f32[5] f32[7,2] f32[7,2]", "", "!operand 2 is f32[7,2], needs integers"},
    {"resize", "f32[5] i64[7,2] f32[7,3]", "", "!operand 3 is f32[7,3], needs f32[7,2]"},
    {"resize", "f32[5] i64[N,2] f32[N,2]", "", "!index i64[N,2] is no table of taps"},
    {"resize", "f32[5] i64[7,0] f32[7,0]", "", "!is no table of taps"},
    {"resize", "f32[N] i64[7,2] f32[7,2]", "", "!axis 0 of f32[N] has no fixed size"},
    {"resize", "f32[5] i64[1,2]{0,5} f32[1,2]", "", "!index 5 out of range for dim 5"},
    {"resize", "f32[5] i64[1,2] f32[1,2]", "axis=1", "!axis 1 out of range"},
    {"shape", "f32[5,N,7]", "end=3", "i64[3]"},
    {"shape", "f32[5,N,7]", "axis=1 end=2", "i64[1]"},
    {"shape", "f32[5]", "end=2", "!axes 0 .. 2 out of range for rank 1"},
    {"shape", "f32[5]", "axis=1", "!axes 1 .. 0 out of range for rank 1"},
    {"range", "i64[]{2} i64[]{11} i64[]{3}", "", "i64[3]"},
    {"range", "i64[]{2} i64[]{12} i64[]{3}", "", "i64[4]"},
    {"range", "i32[]{5} i32[]{0} i32[]{-2}", "", "i32[3]"},
    {"range", "i32[]{5} i32[]{9} i32[]{-2}", "", "i32[0]"},
    {"range", "f32[]{0} f32[]{1} f32[]{0.25}", "", "f32[4]"},
    {"range", "f32[]{0} f32[]{1} f32[]{-1}", "", "f32[0]"},
    {"range", "i64[]{0} i64[]{4} i64[]{0}", "", "!delta is 0"},
    {"range", "f32[]{0} f32[]{4} f32[]{0}", "", "!delta is 0"},
    {"range", "i64[] i64[]{4} i64[]{1}", "", "!start, limit and delta must be known"},
    {"range", "i64[]{0} i64[2]{4} i64[]{1}", "", "!operand 2 is i64[2], needs one element"},
    {"range", "i64[]{0} i32[]{4} i64[]{1}", "", "!data types differ"},
    {"range", "i64[]{0} i64[]{4000000000000000000} i64[]{1}", "", "!the length of the range is too large"},
    {"range", "f32[]{0} f32[]{1e30} f32[]{1}", "", "!the length of the range is too large"},
    {"range", "bool[]{0} bool[]{1} bool[]{1}", "", "!needs numbers"},
};

static const OpCase linear[] = {
    {"gemm", "f32[N,7,8] f32[8,20] f32[20]", "", "f32[N,7,20]"},
    {"gemm", "f32[8] f32[8,20]", "", "f32[20]"},
    {"gemm", "f32[3,8] f32[2,8,16] f32[20]", "cols=20", "f32[3,20]"},
    {"gemm", "f32[3,8] f32[1,7,4,16] f32[32]", "cols=32 strassen=1", "f32[3,32]"},
    {"gemm", "f32[3,8] f32[2,8,16]", "cols=32 strassen=1", "!operand 2 is f32[2,8,16], needs f32[1,7,4,16]"},
    {"gemm", "f32[3,7] f32[1,7,4,16]", "cols=32 strassen=1", "!strassen halves 7 rows"},
    {"gemm", "f32[3,8] f32[1,7,4,16]", "cols=40 strassen=1", "!strassen halves 8 rows and 40 columns"},
    {"gemm", "f32[3,8] f32[1,7,4,16]", "cols=32 strassen=2", "!strassen is 2, needs 0 or 1"},
    {"gemm", "f32[3,8] f32[9,20]", "", "!operand 2 is f32[9,20], needs f32[8,20]"},
    {"gemm", "f32[3,8] f32[8,20] f32[1]", "", "!operand 3 is f32[1], needs f32[20]"},
    {"gemm", "f32[3,8] f32[3,8,16]", "cols=20", "!operand 2 is f32[3,8,16], needs f32[2,8,16]"},
    {"gemm", "f32[3,8] f32[2,8,16] f32[32]", "cols=20", "!operand 3 is f32[32], needs f32[20]"},
    {"gemm", "f32[3,8] f32[2,8,16]", "", "!operand 2 is f32[2,8,16], needs rank 2"},
    {"gemm", "f32[3,8] f32[2,8,16]", "cols=-1", "!make no packed weight"},
    {"gemm", "f32[3,8] f32[2,8,16]", "cols=20 panel=0", "!make no packed weight"},
    {"gemm", "f32[] f32[8,20]", "", "!operand 1 is f32[], needs rank 1 or more"},
    {"gemm", "f32[3,8] f64[8,20]", "", "!data types differ"},
    {"gemm", "i32[3,8] i32[8,20]", "", "!needs a float type"},
    {"matmul", "f32[N,1,3,4] f32[5,4,6]", "", "f32[N,5,3,6]"},
    {"matmul", "f32[4,3] f32[6,4]", "trans_a=1 trans_b=1", "f32[3,6]"},
    {"matmul", "i32[4,3] i32[3,2]", "", "i32[4,2]"},
    {"matmul", "f32[4,3] f32[4,6]", "", "!f32[4,3] and f32[4,6] do not multiply"},
    {"matmul", "f32[2,4,3] f32[3,3,6]", "", "!do not multiply"},
    {"matmul", "f32[3] f32[3,6]", "", "!operand 1 is f32[3], needs rank 2 or more"},
    {"matmul", "f32[3,3] f32[3]", "", "!operand 2 is f32[3], needs rank 2 or more"},
    {"matmul", "f32[3,3] f32[3,3]", "trans_a=2", "!trans_a is 2"},
    {"matmul", "f32[3,3] f32[3,3]", "trans_b=-1", "!trans_b is -1"},
    {"matmul", "f32[3,3] f64[3,3]", "", "!data types differ"},
    {"matmul", "bool[3,3] bool[3,3]", "", "!needs numbers"},
};

static const OpCase windows[] = {
    {"conv", "f32[N,3,224,224] f32[40,3,4,4] f32[40]", "kernel=[4,4] strides=[4,4]", "f32[N,40,56,56]"},
    {"conv", "f32[N,224,224,3] f32[4,4,3,40] f32[40]", "layout=nhwc kernel=[4,4] strides=[4,4]", "f32[N,56,56,40]"},
    {"conv", "f32[1,224,224,3] f32[3,48,16] f32[40]", "layout=nhwc kernel=[4,4] strides=[4,4] cols=40",
     "f32[1,56,56,40]"},
    {"conv", "f32[1,8,N,M] f32[8,1,7,7]", "kernel=[7,7] pads=[3,3,3,3] group=8", "f32[1,8,N,M]"},
    {"conv", "f32[1,8,4*N,5] f32[8,8,4,5]", "kernel=[4,5] strides=[4,1]", "f32[1,8,N,1]"},
    {"conv", "f32[1,8,9] f32[6,4,3]", "kernel=[3] dilations=[2] group=2", "f32[1,6,5]"},
    {"conv", "f32[0,3,8,8] f32[4,3,3,3]", "kernel=[3,3]", "f32[0,4,6,6]"},
    {"conv", "f32[1,8,N] f32[8,8,4]", "kernel=[4] strides=[4]",
     "!a window of 4 over dim N with padding 0, 0 and stride 4 has no fixed number of places; give a number: --dim "
     "N=NUMBER"},
    {"conv", "f32[1,8,3*N] f32[8,8,2]", "kernel=[2]",
     "!over dim 3*N with padding 0, 0 and stride 1 has no fixed number of places; give a number: --dim N=NUMBER"},
    {"conv", "f32[1,3,2,2] f32[4,3,3,3]", "kernel=[3,3]", "!a window of 3 over dim 2"},
    {"conv", "f32[1,3,0,8] f32[4,3,1,1]", "kernel=[1,1] pads=[1,0,1,0]", "!over dim 0"},
    {"conv", "f32[1,3,8,8] f32[4,2,3,3]", "kernel=[3,3]", "!operand 2 is f32[4,2,3,3], needs f32[4,3,3,3]"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3]", "kernel=[3,5]", "!needs f32[4,3,3,5]"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3]", "", "!kernel has 0 entries, needs 2"},
    {"conv", "f32[1,3,8,8] f32[4,3,3]", "kernel=[3,3]", "!needs rank 4"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3] f32[3]", "kernel=[3,3]", "!operand 3 is f32[3], needs f32[4]"},
    {"conv", "f32[1,3,8,8] f32[4,1,3,3]", "kernel=[3,3] group=2", "!3 channels are not 2 groups"},
    {"conv", "f32[1,4,8,8] f32[3,2,3,3]", "kernel=[3,3] group=2", "!3 output channels are not 2 groups"},
    {"conv", "f32[1,4,8,8] f32[3,2,3,3]", "kernel=[3,3] group=0", "!are not 0 groups"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3]", "kernel=[3,3] strides=[0,1]", "!strides has an entry 0, needs 1 or more"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3]", "kernel=[3,3] dilations=[1,0]", "!dilations has an entry 0"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3]", "kernel=[3,3] pads=[-1,0,0,0]", "!pads has an entry -1, needs 0 or more"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3]", "kernel=[3,3] pads=[1,1]", "!pads has 2 entries, needs 4"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3]", "kernel=[3,3] strides=[1]", "!strides has 1 entries, needs 2"},
    {"conv", "f32[1,3,8,8] f32[4,3,3,3]", "kernel=[3,3] layout=hwcn", "!layout 'hwcn' is not nhwc"},
    {"conv", "f32[1,3] f32[4,3]", "", "!operand 1 is f32[1,3], needs rank 3 or more"},
    {"conv", "f32[1,3,8,8] f64[4,3,3,3]", "kernel=[3,3]", "!data types differ"},
    {"conv", "i8[1,3,8,8] i8[4,3,3,3]", "kernel=[3,3]", "!needs a float type"},
    {"conv", "f32[1,3,8,8] f32[1,27,16]", "kernel=[3,3] cols=16", "!a packed weight needs layout nhwc and one group"},
    {"conv", "f32[1,8,8,2] f32[1,9,16]", "kernel=[3,3] cols=16 layout=nhwc group=2", "!one group"},
    {"conv", "f32[1,8,8,3] f32[1,26,16]", "kernel=[3,3] cols=16 layout=nhwc", "!needs f32[1,27,16]"},
    {"conv", "f32[1,3,8] f32[4,3,3]", "kernel=[3] dilations=[1000000000]", "!window 3 by 1000000000 is too large"},
    {"dwconv", "f32[N,14,14,32] f32[7,7,32] f32[32]", "pads=[3,3,3,3]", "f32[N,14,14,32]"},
    {"dwconv", "f32[1,14,14,32] f32[3,5,32]", "strides=[2,1]", "f32[1,6,10,32]"},
    {"dwconv", "f32[1,14,14,32] f32[7,7,31]", "pads=[3,3,3,3]", "!operand 2 is f32[7,7,31], needs f32[7,7,32]"},
    {"dwconv", "f32[1,14,14,32] f32[7,7,32] f32[1]", "pads=[3,3,3,3]", "!operand 3 is f32[1], needs f32[32]"},
    {"dwconv", "f32[1,14,14,32] f32[7,7,32,1]", "", "!operand 2 is f32[7,7,32,1], needs rank 3"},
    {"dwconv", "f32[1,14,14,32] f64[7,7,32]", "", "!data types differ"},
    {"dwconv", "i8[1,14,14,32] i8[7,7,32]", "", "!needs a float type"},
    {"dwconv", "f32[14,14,32] f32[7,7,32]", "", "!operand 1 is f32[14,14,32], needs rank 4"},
    {"dwconv", "f32[1,14,14,32] f32[0,7,32]", "", "!kernel dim 0 is no number >= 1"},
    {"dwconv", "f32[1,14,14,32] f32[N,7,32]", "", "!kernel dim N is no number >= 1"},
    {"dwconv", "f32[1,4,4,32] f32[7,7,32]", "", "!a window of 7 over dim 4"},
    {"dwconv", "f32[1,14,14,32] f32[7,7,32]", "pads=[3,3]", "!pads has 2 entries, needs 4"},
    {"max_pool", "f32[N,8,7,7]", "kernel=[3,3] strides=[2,2] pads=[1,1,1,1]", "f32[N,8,4,4]"},
    {"max_pool", "u8[1,8,7,7]", "kernel=[2,2] strides=[2,2]", "u8[1,8,3,3]"},
    {"max_pool", "f32[1,8,7,7]", "kernel=[2,2] strides=[2,2] ceil=1", "f32[1,8,4,4]"},
    {"max_pool", "f32[1,1,4,4]", "kernel=[1,1] strides=[2,2] ceil=1",
     "f32[1,1,2,2]"}, /* the third would begin outside */
    {"avg_pool", "f32[1,7,7,8]", "kernel=[7,7] layout=nhwc count_pad=1", "f32[1,1,1,8]"},
    {"avg_pool", "i32[1,8,7,7]", "kernel=[7,7]", "!needs a float type"},
    {"max_pool", "bool[1,8,7,7]", "kernel=[7,7]", "!needs numbers"},
    {"max_pool", "f32[1,8,7,7]", "kernel=[7]", "!kernel has 1 entries, needs 2"},
    {"max_pool", "f32[1,8,7,7]", "kernel=[2,2] pads=[2,0,0,0]", "!padding 2, 0 is not below the window of 2"},
    {"max_pool", "f32[1,8,7,7]", "kernel=[2,2] pads=[0,0,0,2]", "!padding 0, 2 is not below the window of 2"},
    {"max_pool", "f32[1,8,7,7]", "kernel=[2,2] layout=nhw", "!layout 'nhw' is not nhwc"},
    {"max_pool", "f32[1,8,7,7]", "kernel=[0,2]", "!kernel has an entry 0"},
    {"max_pool", "f32[1,8,7,7]", "kernel=[2,2] ceil=2", "!ceil is 2"},
    {"avg_pool", "f32[1,8,7,7]", "kernel=[2,2] count_pad=2", "!count_pad is 2"},
    {"max_pool", "f32[1,8,N,7]", "kernel=[2,2] strides=[2,2] ceil=1", "!give a number: --dim N=NUMBER"},
};

/* What the rows cannot spell: weights, unknown types, a graph output. */
static void odd_leaves(void) {
  TEST("odd leaves");
  Kit k = kit_new();
  Dim dims[9] = {2, 3};
  Type t = type_make(DT_f32, 2, dims);
  Attrs a = attrs_default();
  CHECK(!graph_try_leaf(k.graph, OP_weight, &t, &a, NULL, 0, k.error));
  CHECK_HAS(k.error, "a weight needs a name");
  a.name = "w";
  CHECK(!graph_try_leaf(k.graph, OP_weight, &t, &a, NULL, 0, k.error));
  CHECK_HAS(k.error, "source 0 does not exist");
  t.dim[0] = dim_symbol(graph_symbol(k.graph, "N"), 1);
  CHECK(!graph_try_leaf(k.graph, OP_weight, &t, &a, NULL, 0, k.error));
  CHECK_HAS(k.error, "type f32[N,3] is not static");
  t.dim[0] = dim_symbol(5, 1);
  CHECK(!graph_try_leaf(k.graph, OP_input, &t, &a, NULL, 0, k.error));
  CHECK_HAS(k.error, "is no dim of this graph");
  t.dtype = 12 + 3;
  CHECK(!graph_try_leaf(k.graph, OP_input, &t, &a, NULL, 0, k.error));
  CHECK_HAS(k.error, "unknown data type 15");
  t = type_make(DT_f32, 1, dims);
  t.rank = 9;
  CHECK(!graph_try_leaf(k.graph, OP_input, &t, &a, NULL, 0, k.error));
  CHECK_HAS(k.error, "rank 9");
  t = type_make(DT_f32, 1, dims);
  Dim one = 1, symbol = dim_symbol(0, 1);
  a = attrs_default();
  a.ints = (Ints){1, &one};
  CHECK(!graph_try_leaf(k.graph, OP_const, &t, &a, NULL, 0, k.error));
  CHECK_HAS(k.error, "a f32 literal has integer elements");
  t.dtype = DT_i64;
  a.ints.at = &symbol;
  CHECK(!graph_try_leaf(k.graph, OP_const, &t, &a, NULL, 0, k.error));
  CHECK_HAS(k.error, "element 0 is no number");
  CHECK(!kit_op(&k, "none", "", ""));
  CHECK_HAS(k.error, "not an operator");
  OpId out = kit_op(&k, "output", "f32[2]", "");
  CHECK(out && op_at(k.graph, out)->result_count == 0);
  kit_free(&k);
}

/* range(N * 2): the length is a symbolic dim. */
static void symbolic_range(void) {
  TEST("range of a symbolic limit");
  Kit k = kit_new();
  OpId shape = kit_op(&k, "shape", "f32[4*N]", "end=1");
  ValueId dims = op_at(k.graph, shape)->first_result;
  Dim zero = 0, two = 2, three = 3;
  ValueId v[3] = {graph_const_ints(k.graph, DT_i64, 0, NULL, &zero, NULL, 0), dims,
                  graph_const_ints(k.graph, DT_i64, 0, NULL, &two, NULL, 0)};
  OpId id = graph_try_op(k.graph, OP_range, v, 3, NULL, NULL, 0, k.error);
  CHECK(id && type_of(k.graph, op_at(k.graph, id)->first_result)->dim[0] == dim_symbol(0, 2));
  v[2] = graph_const_ints(k.graph, DT_i64, 0, NULL, &three, NULL, 0);
  CHECK(!graph_try_op(k.graph, OP_range, v, 3, NULL, NULL, 0, k.error));
  CHECK_HAS(k.error, "no single term");
  kit_free(&k);
}

int main(void) {
  KIT_CHECK(leaves);
  KIT_CHECK(pointwise);
  KIT_CHECK(axes);
  KIT_CHECK(layout);
  KIT_CHECK(indexed);
  KIT_CHECK(linear);
  KIT_CHECK(windows);
  odd_leaves();
  symbolic_range();
  return test_result();
}
