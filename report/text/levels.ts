/** How sure an exact interval of a cell's median is: said once in a page, since it follows from the number of moves alone. */
export const levelNote =
  "The interval beside a cell's median is exact. With six moves or more it has at least 95 %; with three, four or five it is from the least to the most, which has 75, 87.5 and 93.75 %; with fewer there is none.";
