/* One level of Strassen's product y = x W of matrices cut in quarters: seven products of sums of quarters instead of
 * eight. Coefficients of the quarters 11, 12, 21, 22; y: of product p in each quarter of the result. */
#ifndef NEXTC_STRASSEN_H
#define NEXTC_STRASSEN_H

enum { STRASSEN_PRODUCTS = 7 };
typedef struct {
  signed char x[4], w[4], y[4];
} StrassenProduct;
extern const StrassenProduct strassen_products[STRASSEN_PRODUCTS];
#endif
